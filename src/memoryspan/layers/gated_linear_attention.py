"""Gated linear attention."""

from typing import Any

import numpy as np

from memoryspan.backend import keras
from memoryspan.layers.linear_attention import linear_attention
from memoryspan.layers.matrix_recurrence import MatrixRecurrence
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None

TEMPERATURE = 16
"""τ in the paper (section 4.4): the root that is taken of a gate, so that it forgets slowly."""


@keras.saving.register_keras_serializable(package="memoryspan")
class GatedLinearAttention(MatrixRecurrence):
    """S' = diag(α) S + k vᵀ, o = S'ᵀ q, with α = σ(x W U + b)^(1/16) (Yang et al., arXiv 2312.06635, section 4).

    Queries are divided by the root of their size. Outputs are normalised and gated, as in the paper's section 4.4.

    Shapes: (batch, time, features) to (batch, time, features). State: heads · key_size · value_size numbers.

    Args:
        gate_rank: the rank of the projection to the gates.
        kwargs: the other arguments of `MatrixRecurrence`.
    """

    def __init__(self, *, gate_rank: int = 16, **kwargs):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("gate_rank", gate_rank, at_least=1, instead="16, for example")
        self.gate_rank = gate_rank

    def build(self, input_shape):
        """Draw the projections, and those of the gates."""
        super().build(input_shape)
        keys = self.heads * self.head_key
        self.add_projection("decay_kernel_in", (input_shape[-1], self.gate_rank))
        self.add_projection("decay_kernel_out", (self.gate_rank, keys))
        self.add_drawn("decay_bias", (keys,), lambda: np.zeros(keys), decay=False)

    def recur(self, q, k, v, x, state):
        """Return the outputs of the heads, and the state after the last step."""
        gate = ops.cast(x @ self.decay_kernel_in @ self.decay_kernel_out + self.decay_bias, self.state_dtype)
        log_decay = ops.reshape(ops.log_sigmoid(gate) / TEMPERATURE, q.shape)
        o, last = linear_attention(q * self.head_key**-0.5, k, v, log_decay, state["state"])
        return o, {"state": last}

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "gate_rank": self.gate_rank}
