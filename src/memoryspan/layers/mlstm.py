"""The LSTM with a matrix memory."""

from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.layers.matrix_recurrence import MatrixRecurrence
from memoryspan.layers.stabilised_memory import memory_in_chunks

ops: Any = keras.ops  # annotated there as returning None

CAP = 15.0
"""The bound to which the logarithms of gates are softly capped (Beck et al., arXiv 2503.13427, section 3.2)."""

INPUT_BIAS = -10.0
"""The initial bias of the input gates, of the same section: they open slowly."""

FORGET_BIASES = 3.0, 6.0
"""The initial biases of the forget gates, spread over the heads (the authors' `bias_linspace_init`)."""

EPSILON = 1e-6
"""What is added to a variance before its root is taken."""

MEMORY: tuple[str, ...] = ("state", "normaliser", "stabiliser")
"""The names of C, n and m."""


@keras.saving.register_keras_serializable(package="memoryspan")
class MLSTM(MatrixRecurrence):
    """C' = f C + i k vᵀ, n' = f n + i k, h = C'ᵀ q / max(|n'ᵀ q|, 1) (Beck et al., arXiv 2405.04517, section 2.3).

    i = exp(x W + b) and f = σ(x U + c) for each head, where what is in brackets is softly capped. Heads are normalised
    to mean 0 and variance 1, and gated by σ of a projection of the input: the layer of xLSTM 7B (arXiv 2503.13427).
    Queries are divided by the root of their size.

    Shapes: (batch, time, features) to (batch, time, features). State: heads · (key_size · value_size + key_size + 1)
    numbers.

    Args:
        kwargs: the arguments of `MatrixRecurrence`.
    """

    scale_by_head = True

    def build(self, input_shape):
        """Draw the projections, and those of the gates."""
        super().build(input_shape)
        features, heads = input_shape[-1], self.heads
        self.add_projection("input_kernel", (features, heads))
        self.add_drawn("input_bias", (heads,), lambda: np.full(heads, INPUT_BIAS), decay=False)
        self.add_projection("forget_kernel", (features, heads))
        self.add_drawn("forget_bias", (heads,), lambda: np.linspace(*FORGET_BIASES, heads), decay=False)

    def state_shapes(self, length):
        """Return the shapes of C, of n and of the stabiliser m, and of the window of the convolution."""
        memory = {"normaliser": (self.heads, self.head_key, 1), "stabiliser": (self.heads, 1, 1)}
        return super().state_shapes(length) | memory

    def recur(self, q, k, v, x, state):
        """Return the outputs of the heads, and the state after the last step."""
        gates = x @ self.input_kernel + self.input_bias, x @ self.forget_kernel + self.forget_bias
        i, f = (CAP * ops.tanh(ops.cast(gate, self.state_dtype)[..., None] / CAP) for gate in gates)
        memory = tuple(state[name] for name in MEMORY)
        h, last = memory_in_chunks(q * self.head_key**-0.5, k, v, i, ops.log_sigmoid(f), memory)
        return h, dict(zip(MEMORY, last, strict=True))

    def normalise(self, o: Float[Any, "batch time heads value"]) -> Float[Any, "batch time heads value"]:
        """Return heads of mean 0 and variance 1."""
        centred = o - ops.mean(o, axis=-1, keepdims=True)
        return centred * ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + EPSILON)

    def gate(self, x):
        """Return σ(x)."""
        return ops.sigmoid(x)
