"""The LSTM with exponential gates and a normaliser, whose gates read its output."""

from typing import Any

import numpy as np

from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.layers.initializers import generator, side_by_side
from memoryspan.layers.recurrence import WINDOW, Recurrence
from memoryspan.layers.short_convolution import WIDTH, check_short_conv, kernel_of, short_convolution
from memoryspan.layers.stabilised_memory import NOTHING
from memoryspan.layers.walk import walk
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None

EPSILON = 1e-5
"""What is added to a variance before its root is taken."""

PARTS: tuple[str, ...] = ("hidden", "cell", "normaliser", "stabiliser")
"""The names of h, c, n and m."""


@keras.saving.register_keras_serializable(package="memoryspan")
class SLSTM(Recurrence):
    """c' = f c + i z, n' = f n + i, h' = o c' / n' (Beck et al., arXiv 2405.04517, section 2.2).

    i = exp(ĩ), f = σ(f̃), z = tanh(z̃) and o = σ(õ), where each is a projection of the input plus R h, with R one block
    for each head. ĩ and f̃ read the input through the short convolution and SiLU. c and n are kept divided by exp(m),
    where m is the largest logarithm of a gate so far. Heads are normalised to mean 0 and variance 1. Its steps depend
    on its outputs, so that they cannot be computed all at once. `kernel`, `recurrent_kernel` and `bias` are [i, f, z,
    o].

    Shapes: (batch, time, features) to (batch, time, units). State: 4 units numbers, and the convolution's window.

    Args:
        units: numbers in each of h, c, n and m.
        heads: blocks of R; they have to divide the units.
        short_conv: steps of the depthwise causal convolution before ĩ and f̃; None for none.
        kwargs: the other arguments of `Recurrence`.
    """

    def __init__(self, units: int, *, heads: int = 2, short_conv: int | None = WIDTH, **kwargs):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("units", units, at_least=1, instead="24, for example")
        whole_number("heads", heads, at_least=1, instead="2, for example")
        if units % heads:
            fits = max(1, units // heads) * heads
            raise TaskError(f"units must be a multiple of heads={heads}, got {units}: use units={fits}.")
        check_short_conv(short_conv)
        self.units, self.heads, self.short_conv = units, heads, short_conv

    def build(self, input_shape):
        """Draw the projections; R begins at 0, and the biases of the forget gates from 3 to 6, as the authors' do."""
        rng, units, heads = generator(self.seed), self.units, self.heads
        features = self.features = input_shape[-1]
        size = units // heads
        self.add_drawn("kernel", (features, 4 * units), lambda: side_by_side(rng, (features, units), 4))
        self.add_drawn("recurrent_kernel", (heads, size, 4 * size), lambda: np.zeros((heads, size, 4 * size)))
        self.add_drawn("bias", (4 * units,), lambda: _initial_bias(units, size), decay=False)
        self.add_drawn("scale", (units,), lambda: np.ones(units), decay=False)
        if self.short_conv:
            shape = steps, _ = self.short_conv, features
            self.add_drawn("short_conv_kernel", shape, lambda: kernel_of(rng, steps, features))
            self.add_drawn("short_conv_bias", (features,), lambda: np.zeros(features))

    def width(self, features):
        """Return the number of units."""
        return self.units

    def state_shapes(self, length):
        """Return the shapes of h, c, n and m, and of the window of the convolution."""
        window = {WINDOW: (self.short_conv - 1, self.features)} if self.short_conv else {}
        return dict.fromkeys(PARTS, (self.units,)) | window

    def get_initial_state(self, batch_size, length=1):
        """Return zeros, and for m the logarithm of nothing."""
        state = super().get_initial_state(batch_size, length)
        return state | {"stabiliser": ops.full_like(state["stabiliser"], NOTHING)}

    def run(self, x, state):
        """Return the outputs, and the state after the last step."""
        (batch, time, _), units, heads, window = x.shape, self.units, self.heads, {}
        convolved = x
        if self.short_conv:
            convolved, window[WINDOW] = short_convolution(
                x, state[WINDOW], self.short_conv_kernel, self.short_conv_bias
            )
            convolved = ops.silu(convolved)
        of_gates, of_rest = self.kernel[:, : 2 * units], self.kernel[:, 2 * units :]
        read = ops.concatenate([convolved @ of_gates, x @ of_rest], axis=-1) + self.bias
        recurrent = ops.cast(self.recurrent_kernel, self.state_dtype)

        def step(state, read):
            h, c, n, m = state
            by_head = ops.einsum("bhi,hij->bhj", ops.reshape(h, (batch, heads, -1)), recurrent)
            by_gate = ops.swapaxes(ops.reshape(by_head, (batch, heads, 4, -1)), 1, 2)
            i, f, z, o = ops.split(read + ops.reshape(by_gate, (batch, 4 * units)), 4, axis=-1)
            f = ops.log_sigmoid(f) + m
            new = ops.maximum(f, i)
            i, f = ops.exp(i - new), ops.exp(f - new)
            c, n = f * c + i * ops.tanh(z), f * n + i
            h = ops.sigmoid(o) * c / n
            return (h, c, n, new), h

        h, last = walk(step, tuple(state[name] for name in PARTS), ops.cast(read, self.state_dtype))
        h = ops.reshape(h, (batch, time, heads, -1))
        h = h - ops.mean(h, axis=-1, keepdims=True)
        h = h * ops.rsqrt(ops.mean(ops.square(h), axis=-1, keepdims=True) + EPSILON)
        h = ops.cast(ops.reshape(h, (batch, time, units)), x.dtype)
        return h * self.scale, dict(zip(PARTS, last, strict=True)) | window

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "units": self.units, "heads": self.heads, "short_conv": self.short_conv}


def _initial_bias(units: int, size: int) -> Any:
    """Return zeros, and for the forget gates numbers from 3 to 6, spread over each head."""
    bias = np.zeros((4, units))
    bias[1] = np.tile(np.linspace(3, 6, size), units // size)
    return bias.reshape(-1)
