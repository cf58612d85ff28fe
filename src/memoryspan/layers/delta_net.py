"""DeltaNet, gated or not, with one Householder matrix a step or several."""

from typing import Any

import numpy as np

from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.layers.delta_rule import delta_rule
from memoryspan.layers.eigenvalues import check_min_eigenvalue
from memoryspan.layers.matrix_recurrence import MatrixRecurrence, unit
from memoryspan.layers.s6 import delta_bias
from memoryspan.layers.short_convolution import WIDTH
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None


@keras.saving.register_keras_serializable(package="memoryspan")
class DeltaNet(MatrixRecurrence):
    """S' = α (I - β k kᵀ) S + β k vᵀ, o = S'ᵀ q, with unit keys and queries (Yang et al., arXiv 2406.06484).

    β = (1 - min_eigenvalue) σ(x W). Without the gate α is 1; with it, α = exp(-exp(a) softplus(x U + b)) for each head
    (Gated DeltaNet: Yang et al., arXiv 2412.06464), and outputs are gated too. With several `householders` a step
    applies that many keys, values and β one after the other (DeltaProduct: Siems et al., arXiv 2502.10297).

    Shapes: (batch, time, features) to (batch, time, features). State: heads · key_size · value_size numbers, and the
    window of the short convolution.

    Args:
        gated: whether the state decays, by a gate for each head.
        householders: keys that a step writes.
        min_eigenvalue: 0, or -1 for β up to 2, with which it can track states (Grazzi et al., arXiv 2411.12537).
        kwargs: the other arguments of `MatrixRecurrence`. By default there is a short convolution of 4 steps, and the
            outputs are gated if the state is.
    """

    def __init__(
        self,
        *,
        gated: bool = False,
        householders: int = 1,
        min_eigenvalue: float = 0.0,
        short_conv: int | None = WIDTH,
        output_gate: bool | None = None,
        **kwargs,
    ):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(short_conv=short_conv, output_gate=gated if output_gate is None else output_gate, **kwargs)
        if not isinstance(gated, bool):
            raise TaskError(f"gated must be True or False, got {gated!r}: use gated=True.")
        whole_number("householders", householders, at_least=1, instead="2, for example")
        check_min_eigenvalue(min_eigenvalue)
        self.gated, self.householders, self.min_eigenvalue = gated, householders, min_eigenvalue
        self.keys_per_step = householders

    def build(self, input_shape):
        """Draw the projections, and those of β and α."""
        super().build(input_shape)
        rng, features, heads = self.rng, input_shape[-1], self.heads
        self.add_projection("beta_kernel", (features, self.householders * heads))
        if self.gated:
            self.add_projection("decay_kernel", (features, heads))
            self.add_drawn("decay_bias", (heads,), lambda: delta_bias(rng, heads), decay=False, autocast=False)
            self.add_drawn("a_log", (heads,), lambda: np.log(rng.uniform(1, 16, heads)), decay=False, autocast=False)

    def recur(self, q, k, v, x, state):
        """Return the outputs of the heads, and the state after the last step."""
        batch, time, heads, _ = q.shape
        n = self.householders
        beta = (1 - self.min_eigenvalue) * ops.sigmoid(ops.cast(x @ self.beta_kernel, self.state_dtype))
        beta = ops.reshape(beta, (batch, time * n, heads, 1))
        if self.gated:
            rate = ops.softplus(ops.cast(x @ self.decay_kernel, self.state_dtype) + self.decay_bias)
            log_decay = (-ops.exp(self.a_log) * rate)[..., None]
        else:
            log_decay = ops.zeros((batch, time, heads, 1), self.state_dtype)
        q = unit(q) * self.head_key**-0.5
        if n > 1:  # a step is n steps, of which the first one decays and the last one is read
            k, v = (ops.reshape(part, (batch, time * n, heads, -1)) for part in (k, v))
            log_decay = _spread_out(log_decay, n, at=0)
            q = _spread_out(q, n, at=n - 1)
        o, last = delta_rule(q, unit(k), v, beta, log_decay, state["state"])
        return o[:, n - 1 :: n], {"state": last}

    def get_config(self):
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "gated": self.gated,
            "householders": self.householders,
            "min_eigenvalue": self.min_eigenvalue,
        }


def _spread_out(x: Any, n: int, *, at: int) -> Any:
    """Put each step of (batch, time, ...) in the place `at` of n steps, and zeros in the others."""
    batch, time, *rest = x.shape
    padded = ops.pad(x[:, :, None], [(0, 0), (0, 0), (at, n - 1 - at)] + [(0, 0)] * len(rest))
    return ops.reshape(padded, (batch, time * n, *rest))
