"""The base of the layers whose state is a matrix for each head, from keys to values."""

from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.layers.initializers import generator, glorot_uniform
from memoryspan.layers.recurrence import WINDOW, Recurrence, State
from memoryspan.layers.short_convolution import check_short_conv, kernel_of, short_convolution
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None

EPSILON = 1e-5
"""Added to a mean square before its root is taken."""


class MatrixRecurrence(Recurrence):
    """A layer whose subclass defines `recur`: o = S q for a state S, read and written by queries, keys and values.

    Queries, keys and values are projections of the input, each through a short convolution and SiLU if there is one.
    The outputs of the heads are normalised to a mean square of 1, multiplied by a SiLU gate if there is one, and
    projected to the width of the input.

    Args:
        heads: matrices side by side.
        key_size: numbers in a key; None for the features over the heads, rounded up.
        value_size: numbers in a value; None for as many.
        short_conv: steps of a depthwise causal convolution of queries, keys and values; None for none.
        output_gate: whether outputs are gated by SiLU of a projection of the input.
        kwargs: the other arguments of `Recurrence`.
    """

    keys_per_step = 1
    """Keys and values that one step writes."""

    scale_by_head = False
    """Whether each head has a scale of its own after the normalisation."""

    def __init__(
        self,
        *,
        heads: int = 2,
        key_size: int | None = None,
        value_size: int | None = None,
        short_conv: int | None = None,
        output_gate: bool = True,
        **kwargs,
    ):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("heads", heads, at_least=1, instead="2, for example")
        for name, size in (("key_size", key_size), ("value_size", value_size)):
            if size is not None:
                whole_number(name, size, at_least=1, instead="16, for example")
        check_short_conv(short_conv)
        self.heads, self.key_size, self.value_size = heads, key_size, value_size
        self.short_conv, self.output_gate = short_conv, output_gate

    def recur(self, q: Any, k: Any, v: Any, x: Float[Any, "batch time features"], state: State) -> tuple[Any, State]:
        """Return the outputs (batch, time, heads, value) and the state after the last step.

        Queries are (batch, time, heads, key); keys and values have an axis of `keys_per_step` before the heads where
        that is more than 1. All are in the dtype of the state.
        """
        raise NotImplementedError

    def build(self, input_shape):
        """Draw the projections and the kernel of the convolution; subclasses draw the weights of their gates."""
        rng = self.rng = generator(self.seed)
        features = input_shape[-1]
        default = -(-features // self.heads)
        self.head_key, self.head_value = self.key_size or default, self.value_size or default
        keys, values, n = self.heads * self.head_key, self.heads * self.head_value, self.keys_per_step
        sizes = [keys, *(n * [keys]), *(n * [values])]
        self.parts = np.cumsum([keys, n * keys]).tolist()
        width = sum(sizes)
        self.add_drawn(
            "kernel",
            (features, width),
            lambda: np.concatenate([glorot_uniform(rng, (features, size)) for size in sizes], axis=1),
        )
        if self.short_conv:
            steps = self.short_conv
            self.add_drawn("short_conv_kernel", (steps, width), lambda: kernel_of(rng, steps, width))
        scale = (self.heads,) * self.scale_by_head + (self.head_value,)
        self.add_drawn("scale", scale, lambda: np.ones(scale), decay=False)
        if self.output_gate:
            self.add_projection("gate_kernel", (features, values))
        self.add_projection("output_kernel", (values, features))

    def add_projection(self, name: str, shape: tuple[int, int]) -> None:
        """Add a kernel, drawn as Keras draws that of a dense layer."""
        self.add_drawn(name, shape, lambda: glorot_uniform(self.rng, shape))

    def state_shapes(self, length):
        """Return the shapes of the matrices, (heads, key, value), and of the window of the convolution."""
        window = {WINDOW: (self.short_conv - 1, self.kernel.shape[1])} if self.short_conv else {}
        return {"state": (self.heads, self.head_key, self.head_value)} | window

    def run(self, x, state):
        """Return the outputs, and the state after the last step."""
        projected, window = x @ self.kernel, {}
        if self.short_conv:
            projected, window[WINDOW] = short_convolution(projected, state[WINDOW], self.short_conv_kernel)
            projected = ops.silu(projected)
        q, k, v = ops.split(ops.cast(projected, self.state_dtype), self.parts, axis=-1)
        n = (self.keys_per_step,) if self.keys_per_step > 1 else ()
        q = ops.reshape(q, (*x.shape[:2], self.heads, self.head_key))
        k = ops.reshape(k, (*x.shape[:2], *n, self.heads, self.head_key))
        v = ops.reshape(v, (*x.shape[:2], *n, self.heads, self.head_value))
        o, after = self.recur(q, k, v, x, state)
        o = ops.cast(self.normalise(o), x.dtype) * self.scale
        o = ops.reshape(o, (*x.shape[:2], -1))
        if self.output_gate:
            o = o * self.gate(x @ self.gate_kernel)
        return o @ self.output_kernel, after | window

    def normalise(self, o: Float[Any, "batch time heads value"]) -> Float[Any, "batch time heads value"]:
        """Return the normalised outputs of each head."""
        return root_mean_square(o)

    def gate(self, x: Float[Any, "batch time values"]) -> Float[Any, "batch time values"]:
        """Return what outputs are multiplied by."""
        return ops.silu(x)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "heads": self.heads,
            "key_size": self.key_size,
            "value_size": self.value_size,
            "short_conv": self.short_conv,
            "output_gate": self.output_gate,
        }


def root_mean_square(x: Float[Any, "... size"]) -> Float[Any, "... size"]:
    """Return vectors over their root mean square (Zhang & Sennrich, arXiv 1910.07467)."""
    return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + EPSILON)


def unit(x: Float[Any, "... size"]) -> Float[Any, "... size"]:
    """Return vectors of length 1 (0 stays 0)."""
    return x * ops.rsqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + 1e-6)
