"""The block of Mamba-2."""

from typing import Any

import numpy as np

from memoryspan.backend import keras
from memoryspan.layers.initializers import generator, glorot_uniform
from memoryspan.layers.linear_attention import linear_attention
from memoryspan.layers.matrix_recurrence import root_mean_square
from memoryspan.layers.recurrence import WINDOW, Recurrence
from memoryspan.layers.s6 import delta_bias
from memoryspan.layers.short_convolution import WIDTH, check_short_conv, kernel_of, short_convolution
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None


@keras.saving.register_keras_serializable(package="memoryspan")
class Mamba2(Recurrence):
    """S' = exp(Δ A) S + B (Δ x)ᵀ, y = S'ᵀ C + D x, with one A, Δ and D a head (Dao & Gu, arXiv 2405.21060, section 7).

    x, B and C are projections of the input through a short convolution and SiLU; B and C are shared by the heads. The
    output is gated by SiLU of a projection, normalised to a mean square of 1, and projected to the input's width.

    Shapes: (batch, time, features) to (batch, time, features). State: heads · state_units · head width numbers, where
    the heads together are expand · features wide, and the window of the convolution.

    Args:
        state_units: the width of B and C, N in the paper.
        expand: the inner width, in multiples of the features; rounded up to a multiple of the heads.
        heads: states side by side.
        short_conv: steps of the depthwise causal convolution; None for none.
        kwargs: the other arguments of `Recurrence`.
    """

    def __init__(
        self, *, state_units: int = 16, expand: int = 2, heads: int = 2, short_conv: int | None = WIDTH, **kwargs
    ):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("state_units", state_units, at_least=1, instead="16, for example")
        whole_number("expand", expand, at_least=1, instead="2, for example")
        whole_number("heads", heads, at_least=1, instead="2, for example")
        check_short_conv(short_conv)
        self.state_units, self.expand, self.heads, self.short_conv = state_units, expand, heads, short_conv

    def build(self, input_shape):
        """Draw the projections, the kernel of the convolution, and A, D and the bias of Δ."""
        rng, features, heads, n = generator(self.seed), input_shape[-1], self.heads, self.state_units
        self.head_width = -(-self.expand * features // heads)
        inner = heads * self.head_width
        sizes = [inner, inner, n, n, heads]  # gate, x, B, C, Δ
        self.parts, self.convolved = np.cumsum([inner, inner + 2 * n]).tolist(), inner + 2 * n
        shape = features, sum(sizes)
        self.add_drawn(
            "kernel", shape, lambda: np.concatenate([glorot_uniform(rng, (features, size)) for size in sizes], axis=1)
        )
        if self.short_conv:
            steps = self.short_conv
            self.add_drawn("short_conv_kernel", (steps, inner + 2 * n), lambda: kernel_of(rng, steps, inner + 2 * n))
            self.add_drawn("short_conv_bias", (inner + 2 * n,), lambda: np.zeros(inner + 2 * n))
        self.add_drawn("delta_bias", (heads,), lambda: delta_bias(rng, heads), decay=False, autocast=False)
        self.add_drawn("a_log", (heads,), lambda: np.log(np.arange(1.0, heads + 1)), decay=False, autocast=False)
        self.add_drawn("d", (heads,), lambda: np.ones(heads), decay=False)
        self.add_drawn("scale", (inner,), lambda: np.ones(inner), decay=False)
        self.add_drawn("output_kernel", (inner, features), lambda: glorot_uniform(rng, (inner, features)))

    def state_shapes(self, length):
        """Return the shapes of the matrices, (heads, state_units, head width), and of the convolution's window."""
        window = {WINDOW: (self.short_conv - 1, self.convolved)} if self.short_conv else {}
        return {"state": (self.heads, self.state_units, self.head_width)} | window

    def run(self, x, state):
        """Return the outputs, and the state after the last step."""
        (batch, time, _), heads, window = x.shape, self.heads, {}
        gate, read, delta = ops.split(x @ self.kernel, self.parts, axis=-1)
        if self.short_conv:
            read, window[WINDOW] = short_convolution(read, state[WINDOW], self.short_conv_kernel, self.short_conv_bias)
        read, delta = (ops.cast(part, self.state_dtype) for part in (ops.silu(read), delta))
        inner = heads * self.head_width
        values, b, c = ops.split(read, [inner, inner + self.state_units], axis=-1)
        values = ops.reshape(values, (batch, time, heads, self.head_width))
        b, c = (ops.repeat(part[:, :, None], heads, axis=2) for part in (b, c))
        delta = ops.softplus(delta + self.delta_bias)[..., None]
        log_decay = -ops.exp(self.a_log)[:, None] * delta
        y, last = linear_attention(c, b, delta * values, log_decay, state["state"])
        y = ops.reshape(y + self.d[:, None] * values, (batch, time, inner))
        y = root_mean_square(y * ops.silu(ops.cast(gate, self.state_dtype)))
        return (ops.cast(y, x.dtype) * self.scale) @ self.output_kernel, {"state": last} | window

    def get_config(self):
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "state_units": self.state_units,
            "expand": self.expand,
            "heads": self.heads,
            "short_conv": self.short_conv,
        }
