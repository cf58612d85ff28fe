"""Recurrences that are linear in their state, and so need not be walked step by step."""

from typing import Any

from jaxtyping import Bool, Float

from memoryspan.backend import keras
from memoryspan.models.layers.last_step import last_step
from memoryspan.models.layers.without_padding import without_padding
from memoryspan.validate import whole_number

ops = keras.ops

Parts = tuple[Any, ...]
"""A number a unit: its real part, or its real and its imaginary part, each (batch, time, units) or (batch, units)."""


class Scanned(keras.layers.Layer):
    """A recurrence h' = a(x) h + b(x), all steps at once: the composition of such maps is associative (Blelloch 1990).

    It runs in linear space: |a| ≤ 1, so the products of the scan can only shrink, and nothing overflows. A step that
    the mask hides keeps the state (a = 1, b = 0). A subclass says what `coefficients`, `read` and `width` are.

    Args:
        units: numbers in the state.
        return_sequences: answer at every step, and not only at the last one.
        seed: decides the initial weights; None draws others each time.
    """

    one: tuple[float, ...] = (1.0,)
    """The number 1 in the parts that the layer's numbers have."""

    def __init__(self, units: int, *, return_sequences: bool = False, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        whole_number("units", units, at_least=1, instead="25, for example")
        self.units, self.return_sequences, self.seed = units, return_sequences, seed
        self.supports_masking = True

    def coefficients(self, x: Float[Any, "batch *time features"]) -> tuple[Parts, Parts]:
        """(a, b) of the recurrence, for one step or for all."""
        raise NotImplementedError

    def read(self, state: Parts, x: Float[Any, "batch *time features"]) -> Float[Any, "batch *time width"]:
        """What the layer answers in this state."""
        return state[0]

    def width(self, features: int) -> int:
        """The number of features of an answer."""
        return self.units

    def call(self, inputs: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None = None):
        """(batch, time, width), or (batch, width) of the last step that is not masked."""
        x = without_padding(inputs, mask)
        a, b = self.coefficients(x)
        if mask is not None:
            alive = mask[..., None]
            a = tuple(ops.where(alive, part, one) for part, one in zip(a, self.one, strict=True))
            b = tuple(ops.where(alive, part, 0.0) for part in b)
        _, states = ops.associative_scan(_first_then_second, (a, b), axis=1)
        answers = self.read(states, x)
        return answers if self.return_sequences else last_step(answers, mask)

    def step(self, x: Float[Any, "batch features"], state: Parts) -> tuple[Float[Any, "batch width"], Parts]:
        """One step alone: the answer, and the state after it."""
        a, b = self.coefficients(x)
        _, state = _first_then_second((self.one, state), (a, b))
        return self.read(state, x), state

    def get_initial_state(self, batch_size: int) -> Parts:
        """The state before the first step: zeros."""
        return tuple(ops.zeros((batch_size, self.units), self.compute_dtype) for _ in self.one)

    def compute_mask(self, inputs, mask=None):
        """The mask goes on with the sequence."""
        return mask if self.return_sequences else None

    def compute_output_shape(self, input_shape):
        """(batch, time, width), or (batch, width)."""
        batch, time, features = input_shape
        width = self.width(features)
        return (batch, time, width) if self.return_sequences else (batch, width)

    def get_config(self):
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "units": self.units,
            "return_sequences": self.return_sequences,
            "seed": self.seed,
        }


def _first_then_second(first: tuple[Parts, Parts], second: tuple[Parts, Parts]) -> tuple[Parts, Parts]:
    """The map h ↦ a₂ (a₁ h + b₁) + b₂, as the pair (a, b) of one map."""
    (a1, b1), (a2, b2) = first, second
    moved = _times(a2, b1)
    return _times(a2, a1), tuple(one + other for one, other in zip(moved, b2, strict=True))


def _times(one: Parts, other: Parts) -> Parts:
    """The product of real numbers, or of complex ones. (Not every backend differentiates its complex numbers.)"""
    if len(one) == 1:
        return (one[0] * other[0],)
    (re1, im1), (re2, im2) = one, other
    return re1 * re2 - im1 * im2, re1 * im2 + im1 * re2
