"""The selective state space of Mamba."""

from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.layers.eigenvalues import check_min_eigenvalue, spread
from memoryspan.layers.initializers import generator, glorot_uniform
from memoryspan.layers.recurrence import Recurrence
from memoryspan.layers.walk import checkpointed_walk
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None

DELTA = 1e-3, 1e-1
"""The range of the initial time scales Δ (Gu & Dao, arXiv 2312.00752, section 3.6)."""


def log_delta(rng: np.random.Generator, size: int) -> Float[np.ndarray, "size"]:
    """Draw logarithms of initial time scales, uniform in their range."""
    low, high = np.log(DELTA)
    return rng.uniform(low, high, size)


def delta_bias(rng: np.random.Generator, size: int) -> Float[np.ndarray, "size"]:
    """Draw biases whose softplus is log-uniform in the range of the initial time scales."""
    delta = np.exp(log_delta(rng, size))
    return delta + np.log(-np.expm1(-delta))


def log_of_each(features: int, n: int) -> Float[np.ndarray, "features n"]:
    """Return the logarithms of 1 to n for each feature: the initial -A, S4D-Real (Gu et al., arXiv 2206.11893)."""
    return np.log(np.tile(np.arange(1.0, n + 1), (features, 1)))


@keras.saving.register_keras_serializable(package="memoryspan")
class S6(Recurrence):
    """h' = exp(Δ A) h + Δ B x, y = C h + D x, where Δ, B and C follow from x (Gu & Dao, arXiv 2312.00752, algorithm 2).

    Each feature has a state of its own of `state_units` numbers, with A < 0 diagonal and real. Δ is a softplus of a
    projection of x through `delta_rank` numbers. The output is as wide as the input.

    Shapes: (batch, time, features) to (batch, time, features). State: features · state_units numbers.

    Args:
        state_units: numbers in the state of a feature, N in the paper.
        delta_rank: rank of the projection to Δ; None for a sixteenth of the features, rounded up, as in the paper.
        min_eigenvalue: 0, or -1 for 2 exp(Δ A) - 1 in the place of exp(Δ A) (Grazzi et al., arXiv 2411.12537).
        kwargs: the other arguments of `Recurrence`.
    """

    def __init__(self, *, state_units: int = 16, delta_rank: int | None = None, min_eigenvalue: float = 0.0, **kwargs):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("state_units", state_units, at_least=1, instead="16, for example")
        if delta_rank is not None:
            whole_number("delta_rank", delta_rank, at_least=1, instead="1, for example")
        check_min_eigenvalue(min_eigenvalue)
        self.state_units, self.delta_rank, self.min_eigenvalue = state_units, delta_rank, min_eigenvalue

    def build(self, input_shape):
        """Draw the projections to Δ, B and C, and A and D."""
        rng, features, n = generator(self.seed), input_shape[-1], self.state_units
        self.features, self.rank = features, self.delta_rank or -(-features // 16)
        limit, shape, low_rank = self.rank**-0.5, (features, self.rank + 2 * n), (self.rank, features)
        self.add_drawn("kernel", shape, lambda: glorot_uniform(rng, shape))
        self.add_drawn("delta_kernel", low_rank, lambda: rng.uniform(-limit, limit, low_rank))
        self.add_drawn("delta_bias", (features,), lambda: delta_bias(rng, features), decay=False, autocast=False)
        self.add_drawn("a_log", (features, n), lambda: log_of_each(features, n), decay=False, autocast=False)
        self.add_drawn("d", (features,), lambda: np.ones(features), decay=False)

    def state_shapes(self, length):
        """Return the shape of the state: (features, state_units)."""
        return {"state": (self.features, self.state_units)}

    def run(self, x, state):
        """Return the outputs, and the state after the last step."""
        low_rank, b, c = ops.split(x @ self.kernel, [self.rank, self.rank + self.state_units], axis=-1)
        delta, b, c, x_wide = (ops.cast(part, self.state_dtype) for part in (low_rank @ self.delta_kernel, b, c, x))
        delta = ops.softplus(delta + self.delta_bias)
        y, last = selective_scan(x_wide, delta, -ops.exp(self.a_log), b, c, state["state"], self.min_eigenvalue)
        return ops.cast(y, x.dtype) + self.d * x, {"state": last}

    def get_config(self):
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "state_units": self.state_units,
            "delta_rank": self.delta_rank,
            "min_eigenvalue": self.min_eigenvalue,
        }


def selective_scan(
    x: Float[Any, "batch time features"],
    delta: Float[Any, "batch time features"],
    a: Float[Any, "features state"],
    b: Float[Any, "batch time state"],
    c: Float[Any, "batch time state"],
    state: Float[Any, "batch features state"],
    min_eigenvalue: float = 0.0,
    form=checkpointed_walk,
) -> tuple[Float[Any, "batch time features"], Float[Any, "batch features state"]]:
    """Return C h at every step, and the state after the last one.

    exp(Δ A) and Δ B x are made in the step that uses them: nothing as large as all states is ever in memory.
    """

    def step(h, given):
        delta, delta_x, b, c = given
        h = spread(ops.exp(delta[..., None] * a), min_eigenvalue) * h + delta_x[..., None] * b[:, None]
        return h, ops.sum(h * c[:, None], axis=-1)

    return form(step, state, (delta, delta * x, b, c))
