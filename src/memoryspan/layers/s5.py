"""The simplified state space layer S5."""

from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.layers.initializers import generator
from memoryspan.layers.linear_recurrence import LinearRecurrence
from memoryspan.layers.s6 import log_delta

ops: Any = keras.ops  # annotated there as returning None

SLOWEST = -1e-4
"""The largest real part of Λ, so that the state decays (the authors' `clip_eigs`)."""


@keras.saving.register_keras_serializable(package="memoryspan")
class S5(LinearRecurrence):
    """h' = Λ̄ h + B̄ x, y = Re(C h) + D x, one complex state for all features (Smith et al., arXiv 2208.04933).

    Λ̄ = exp(Λ Δ) and B̄ = Λ⁻¹ (Λ̄ - I) B discretise a continuous system by zero-order hold (the paper's equation 6), with
    a time scale Δ for each number of the state. Λ begins as the eigenvalues of HiPPO-N with a positive imaginary part
    (section 4.2, appendix B.1).

    Shapes: (batch, time, features) to (batch, time, features). State: 2 units numbers.

    Args:
        units: complex numbers in the state.
        kwargs: the other arguments of `LinearRecurrence`.
    """

    one = (1.0, 0.0)
    state_names = ("real part", "imaginary part")

    def build(self, input_shape):
        """Draw Λ, B and C, each in two parts, D and log Δ."""
        super().build(input_shape)
        rng, features, units = generator(self.seed), input_shape[-1], self.units

        def normal(shape, fan_in):
            return shape, lambda: rng.normal(size=shape) / np.sqrt(2 * fan_in)

        drawn = {
            "b_re": normal((features, units), features),
            "b_im": normal((features, units), features),
            "c_re": normal((units, features), units),
            "c_im": normal((units, features), units),
        }
        for name, (shape, draw) in drawn.items():
            self.add_drawn(name, shape, draw)
        lasting = {
            "lambda_re": lambda: np.full(units, -0.5),
            "lambda_im": lambda: hippo_frequencies(units),
            "log_delta": lambda: log_delta(rng, units),
        }
        for name, draw in lasting.items():
            self.add_drawn(name, (units,), draw, decay=False, autocast=False)
        self.add_drawn("d", (features,), lambda: rng.normal(size=features), decay=False)

    def coefficients(self, u):
        """Return (Λ̄, B̄ x), each a real and an imaginary part."""
        re, im = ops.minimum(self.lambda_re, SLOWEST), self.lambda_im
        delta = ops.exp(self.log_delta)
        size = ops.exp(re * delta)
        a_re, a_im = size * ops.cos(im * delta), size * ops.sin(im * delta)
        square = re * re + im * im
        held_re, held_im = ((a_re - 1) * re + a_im * im) / square, (a_im * re - (a_re - 1) * im) / square
        x_re, x_im = (ops.cast(u @ part, self.state_dtype) for part in (self.b_re, self.b_im))
        b = held_re * x_re - held_im * x_im, held_re * x_im + held_im * x_re
        return tuple(ops.broadcast_to(part, b[0].shape) for part in (a_re, a_im)), b

    def read(self, state, u, x):
        """Return Re(C h) + D x."""
        re, im = state
        return re @ self.c_re - im @ self.c_im + self.d * u

    def width(self, features):
        """Return the width of the input."""
        return features


def hippo_frequencies(units: int) -> Float[np.ndarray, "units"]:
    """Return the positive imaginary parts of the eigenvalues of HiPPO-N with 2 · units states, in order.

    HiPPO-N is the normal part of HiPPO-LegS. The real parts are all -1/2 (arXiv 2208.04933, appendix B.1).
    """
    n = np.arange(2 * units)
    root = np.sqrt(2 * n + 1)
    below = np.tril(np.outer(root, root), -1)
    skew = (below.T - below) / 2  # the rest of the normal part is -I/2
    return np.sort(np.linalg.eigvalsh(-1j * skew))[units:]
