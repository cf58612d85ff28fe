"""The real-gated linear recurrent unit, in the block of Griffin and Hawk."""

from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.layers.eigenvalues import check_min_eigenvalue, spread
from memoryspan.layers.initializers import generator, glorot_uniform, side_by_side
from memoryspan.layers.linear_recurrence import LinearRecurrence
from memoryspan.layers.short_convolution import WIDTH

ops: Any = keras.ops  # annotated there as returning None

C = 8.0
"""The constant by which the recurrence gate is multiplied (De et al., arXiv 2402.19427, section 2.4)."""

RING = 0.9, 0.999
"""The range of the initial a at r = 1 to the power 1/C, from the same section."""

LEAST = 1e-6
"""The least 1 - a² of which the root is taken: below it the slope of the root would explode."""


@keras.saving.register_keras_serializable(package="memoryspan")
class RGLRU(LinearRecurrence):
    """h' = a h + √(1 - a²) (i ⊙ u), gated by GELU of the input (De et al., arXiv 2402.19427, section 2.4).

    u is a projection of the input through the short convolution; r and i are sigmoids of projections of u; and a =
    exp(-8 softplus(Λ) r). The output is (h ⊙ GELU(x V + b)) W + c, as wide as the input (the paper's figure 2).
    `gates_kernel` is [r, i], where the paper has block-diagonal kernels.

    Shapes: (batch, time, features) to (batch, time, features). State: units numbers, and the convolution's window.

    Args:
        units: numbers in the state.
        short_conv: steps of the depthwise causal convolution; None for none.
        min_eigenvalue: 0, or -1 for 2 a - 1 in the place of a (Grazzi et al., arXiv 2411.12537).
        kwargs: the other arguments of `Recurrence`.
    """

    def __init__(self, units: int, *, short_conv: int | None = WIDTH, min_eigenvalue: float = 0.0, **kwargs):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(units, short_conv=short_conv, **kwargs)
        check_min_eigenvalue(min_eigenvalue)
        self.min_eigenvalue = min_eigenvalue

    def build(self, input_shape):
        """Draw the projections with their biases, and Λ."""
        super().build(input_shape)
        rng, features, units = generator(self.seed), input_shape[-1], self.units
        self.add_drawn("kernel", (features, units), lambda: glorot_uniform(rng, (features, units)))
        self.add_drawn("bias", (units,), lambda: np.zeros(units))
        self.add_drawn("gelu_kernel", (features, units), lambda: glorot_uniform(rng, (features, units)))
        self.add_drawn("gelu_bias", (units,), lambda: np.zeros(units))
        self.add_drawn("gates_kernel", (units, 2 * units), lambda: side_by_side(rng, (units, units), 2))
        self.add_drawn("gates_bias", (2 * units,), lambda: np.zeros(2 * units))
        self.add_drawn("lambda_raw", (units,), lambda: _initial_lambda(rng, units), decay=False, autocast=False)
        self.add_drawn("output_kernel", (units, features), lambda: glorot_uniform(rng, (units, features)))
        self.add_drawn("output_bias", (features,), lambda: np.zeros(features))

    def project(self, x):
        """Return u before the convolution."""
        return x @ self.kernel + self.bias

    def read_width(self, features):
        """Return the number of units."""
        return self.units

    def width(self, features):
        """Return the width of the input."""
        return features

    def gates(self, u):
        """Return r and i."""
        r, i = ops.split(ops.sigmoid(u @ self.gates_kernel + self.gates_bias), 2, axis=-1)
        return {"recurrence": r, "input": i}

    def coefficients(self, u):
        """Return (a, √(1 - a²) (i ⊙ u))."""
        r, i = (ops.cast(gate, self.state_dtype) for gate in self.gates(u).values())
        log_a = -C * ops.softplus(self.lambda_raw) * r
        b = ops.sqrt(ops.maximum(-ops.expm1(2 * log_a), LEAST)) * i * ops.cast(u, self.state_dtype)
        return (spread(ops.exp(log_a), self.min_eigenvalue),), (b,)

    def read(self, state, u, x):
        """Return the gated state, projected to the width of the input."""
        gate = ops.gelu(x @ self.gelu_kernel + self.gelu_bias, approximate=True)
        return (state[0] * gate) @ self.output_kernel + self.output_bias

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "min_eigenvalue": self.min_eigenvalue}


def _initial_lambda(rng: np.random.Generator, units: int) -> Float[np.ndarray, "units"]:
    """Draw Λ so that exp(-softplus(Λ)), to which a is raised by 8 r, is uniform over a ring."""
    radius = np.sqrt(rng.uniform(RING[0] ** 2, RING[1] ** 2, units))
    return np.log(np.expm1(-np.log(radius)))
