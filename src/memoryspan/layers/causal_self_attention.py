"""Causal self-attention."""

from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Bool, Float

from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.layers.initializers import as_initializer, generator, glorot_uniform, side_by_side
from memoryspan.layers.without_padding import without_padding
from memoryspan.validate import choice, whole_number

ops: Any = keras.ops  # annotated there as giving None

Positions = Literal["rotary", "none"]

WAVELENGTHS = 10_000
"""The base of the rotary frequencies (Su et al., arXiv 2104.09864, section 3.2.2, after Vaswani et al.)."""

UNSEEN = -1e30
"""A score of which the softmax makes 0; the first key keeps every step from seeing nothing."""


@keras.saving.register_keras_serializable(package="memoryspan")
class CausalSelfAttention(keras.layers.Layer):
    """Multi-head attention of each step to itself and those before (Vaswani et al., arXiv 1706.03762), without biases.

    Before the first step stand a learned key and value, `first`, which every step sees, as it would see a token that
    begins the sequence (Xiao et al., arXiv 2309.17453): without them the averages that attention takes tell no step
    how far from the beginning it is. What the layer puts out is as wide as what it reads. `kernel` is [queries, keys,
    values], each head by head.

    Args:
        heads: attentions side by side.
        head_size: the width of each, an even number.
        positions: "rotary" turns queries and keys by an angle that grows with the step (Su et al., arXiv 2104.09864),
            so that what they make of each other depends on their distance; "none" leaves them alone.
        seed: decides the initial weights; None draws others each time.
    """

    def __init__(
        self, heads: int, head_size: int, *, positions: Positions = "rotary", seed: int | None = None, **kwargs
    ):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("heads", heads, at_least=1, instead="4, for example")
        whole_number("head_size", head_size, at_least=2, instead="8, for example")
        if head_size % 2:
            raise TaskError(f"head_size must be even, got {head_size}: use head_size={head_size + 1}.")
        check_positions(positions)
        self.heads, self.head_size, self.positions, self.seed = heads, head_size, positions, seed
        self.supports_masking = True

    def build(self, input_shape):
        """The kernel, (features, 3 heads · head_size), the first key and value, and the kernel that joins the heads."""
        rng, features, width = generator(self.seed), input_shape[-1], self.heads * self.head_size
        first = (2, self.heads, 1, self.head_size)
        initial = {
            "kernel": ((features, 3 * width), lambda: side_by_side(rng, (features, width), 3)),
            "first": (first, lambda: glorot_uniform(rng, (2, width)).reshape(first)),
            "output_kernel": ((width, features), lambda: glorot_uniform(rng, (width, features))),
        }
        for name, (shape, draw) in initial.items():
            setattr(self, name, self.add_weight(shape, as_initializer(draw), name=name))

    def call(self, inputs: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None = None):
        """(batch, time, features)."""
        x = without_padding(inputs, mask)
        time = x.shape[1]
        by_head = ops.reshape(x @ self.kernel, (-1, time, 3, self.heads, self.head_size))
        query, key, value = (ops.transpose(by_head[:, :, part], (0, 2, 1, 3)) for part in range(3))
        key, value = _after(self.first[0], key), _after(self.first[1], value)
        if self.positions == "rotary":
            query, key = rotated(query, range(1, time + 1)), rotated(key, range(time + 1))
        scores = query @ ops.transpose(key, (0, 1, 3, 2)) / np.sqrt(self.head_size).astype(x.dtype)
        weights = ops.softmax(ops.where(_seen(time, mask), scores, UNSEEN))
        heads = ops.transpose(weights @ value, (0, 2, 1, 3))
        return ops.reshape(heads, (-1, time, self.heads * self.head_size)) @ self.output_kernel

    def compute_output_shape(self, input_shape):
        """As the input."""
        return input_shape

    def get_config(self):
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "heads": self.heads,
            "head_size": self.head_size,
            "positions": self.positions,
            "seed": self.seed,
        }


def check_positions(positions: Any) -> None:
    """Raise `SettingError` unless it is a way to tell positions apart that the layer knows."""
    choice("positions", positions, get_args(Positions))


def _after(first: Float[Any, "heads 1 size"], x: Float[Any, "batch heads time size"]) -> Any:
    """The same first one in front of the steps of each row: (batch, heads, 1 + time, size)."""
    rows = ops.broadcast_to(first, (x.shape[0], *first.shape))
    return ops.concatenate([rows, x], axis=2)


def _seen(time: int, mask: Bool[Any, "batch time"] | None) -> Bool[Any, "batch 1 time places"]:
    """Which place (last axis: the first key, then the steps) each step may attend to."""
    steps = ops.arange(time)
    back = (steps[:, None] >= steps)[None, None]
    seen = back if mask is None else ops.logical_and(back, mask[:, None, None])
    return ops.pad(seen, ((0, 0), (0, 0), (0, 0), (1, 0)), constant_values=True)


def rotated(x: Float[Any, "batch heads places size"], places: range) -> Float[Any, "batch heads places size"]:
    """Each pair of features (one from either half) turned by place · frequency."""
    size = x.shape[-1]
    frequencies = WAVELENGTHS ** (-np.arange(0, size, 2) / size)
    angles = np.arange(places.start, places.stop)[:, None] * frequencies
    cos, sin = (ops.cast(part, x.dtype) for part in (np.cos(angles), np.sin(angles)))
    one, other = ops.split(x, 2, axis=-1)
    return ops.concatenate([one * cos - other * sin, one * sin + other * cos], axis=-1)
