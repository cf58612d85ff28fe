"""Attention that looks back and not ahead."""

from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.models.initial import as_initializer, glorot_uniform
from memoryspan.models.layers.without_padding import without_padding
from memoryspan.validate import whole_number

ops = keras.ops

Positions = Literal["rotary", "none"]

WAVELENGTHS = 10_000
"""The base of the rotary frequencies (Su et al., arXiv 2104.09864, section 3.2.2, after Vaswani et al.)."""

UNSEEN = -1e30
"""A score of which the softmax makes 0, and, in a row that sees nothing, no NaN as of -inf."""


@keras.saving.register_keras_serializable(package="memoryspan")
class CausalSelfAttention(keras.layers.Layer):
    """Multi-head attention of each step to itself and those before (Vaswani et al., arXiv 1706.03762), without biases.

    What it puts out is as wide as what it reads. `kernel` is [queries, keys, values], each head by head.

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
        super().__init__(**kwargs)
        whole_number("heads", heads, at_least=1, instead="4, for example")
        whole_number("head_size", head_size, at_least=2, instead="8, for example")
        if head_size % 2:
            raise TaskError(f"head_size must be even, got {head_size}: use head_size={head_size + 1}.")
        check_positions(positions)
        self.heads, self.head_size, self.positions, self.seed = heads, head_size, positions, seed
        self.supports_masking = True

    def build(self, input_shape):
        """The kernel, (features, 3 heads · head_size), and the one that joins the heads."""
        rng, features, width = np.random.default_rng(self.seed), input_shape[-1], self.heads * self.head_size
        kernel = np.concatenate([glorot_uniform(rng, (features, width)) for _ in range(3)], axis=1)
        output_kernel = glorot_uniform(rng, (width, features))
        self.kernel = self.add_weight(kernel.shape, as_initializer(kernel), name="kernel")
        self.output_kernel = self.add_weight(output_kernel.shape, as_initializer(output_kernel), name="output_kernel")

    def call(self, inputs: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None = None):
        """(batch, time, features)."""
        x = without_padding(inputs, mask)
        time = x.shape[1]
        by_head = ops.reshape(x @ self.kernel, (-1, time, 3, self.heads, self.head_size))
        query, key, value = (ops.transpose(by_head[:, :, part], (0, 2, 1, 3)) for part in range(3))
        if self.positions == "rotary":
            query, key = _rotated(query), _rotated(key)
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
    """Raises `TaskError` unless it is a way to tell positions apart that the layer knows."""
    if positions not in ("rotary", "none"):
        raise TaskError(f'positions must be "rotary" or "none", got {positions!r}: use "rotary".')


def _seen(time: int, mask: Bool[Any, "batch time"] | None) -> Bool[Any, "batch 1 time time"]:
    """Which step (last axis) each step may look at."""
    steps = ops.arange(time)
    back = (steps[:, None] >= steps)[None, None]
    return back if mask is None else ops.logical_and(back, mask[:, None, None])


def _rotated(x: Float[Any, "batch heads time size"]) -> Float[Any, "batch heads time size"]:
    """Each pair of features (one from either half) turned by step · frequency."""
    *_, time, size = x.shape
    frequencies = WAVELENGTHS ** (-np.arange(0, size, 2) / size)
    angles = np.arange(time)[:, None] * frequencies  # (time, size / 2)
    cos, sin = (ops.cast(part, x.dtype) for part in (np.cos(angles), np.sin(angles)))
    one, other = ops.split(x, 2, axis=-1)
    return ops.concatenate([one * cos - other * sin, one * sin + other * cos], axis=-1)
