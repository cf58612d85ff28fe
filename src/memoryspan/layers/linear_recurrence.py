"""Recurrences that are linear in their state, h' = a(x) h + b(x), and so need not be computed step by step.

They run in linear space: |a| ≤ 1, so that products of it can only shrink, and nothing overflows.
"""

from typing import Any

from jaxtyping import Bool, Float

from memoryspan.backend import jax, keras
from memoryspan.layers.last_step import last_step
from memoryspan.layers.without_padding import without_padding
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as giving None

Complex = tuple[Any, ...]
"""A number a unit: its real part, or its real and its imaginary part, each (batch, time, units) or (batch, units)."""

AffineMaps = tuple[Complex, Complex]
"""(a, b): the maps h ↦ a h + b of the steps."""


class LinearRecurrence(keras.layers.Layer):
    """A layer whose subclass defines `coefficients`, `read`, `width` and `gates`. A masked step keeps the state.

    Args:
        units: numbers in the state.
        return_sequences: answer at every step, and not only at the last one.
        seed: decides the initial weights; None draws others each time.
    """

    one: tuple[float, ...] = (1.0,)
    """The number 1 in the parts that the layer's numbers have."""

    def __init__(self, units: int, *, return_sequences: bool = False, seed: int | None = None, **kwargs):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("units", units, at_least=1, instead="25, for example")
        self.units, self.return_sequences, self.seed = units, return_sequences, seed
        self.supports_masking = True

    state_names: tuple[str, ...] = ("hidden",)
    """What the parts of the state are called in a trace."""

    def gates(self, x: Float[Any, "batch *time features"]) -> dict[str, Float[Any, "batch *time units"]]:
        """By name, for a trace; none."""
        return {}

    def coefficients(self, x: Float[Any, "batch *time features"]) -> AffineMaps:
        """(a, b), of one step or of all."""
        raise NotImplementedError  # each layer has its own

    def read(self, state: Complex, x: Float[Any, "batch *time features"]) -> Float[Any, "batch *time width"]:
        """What the layer answers in this state."""
        return state[0]

    def width(self, features: int) -> int:
        """The number of features of an answer."""
        return self.units

    def call(self, inputs: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None = None):
        """(batch, time, width), or (batch, width) of the last step that is not masked."""
        x = without_padding(inputs, mask)
        answers = self.read(self._states(x, mask), x)
        return answers if self.return_sequences else last_step(answers, mask)

    def trace_states(self, x: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None = None):
        """The gates and the state at every step, by name, for `memoryspan.trace`: (batch, time, units) each."""
        x = without_padding(x, mask)
        return self.gates(x) | dict(zip(self.state_names, self._states(x, mask), strict=True))

    def _states(self, x: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None) -> Complex:
        """The state after each step."""
        a, b = self.coefficients(x)
        if mask is not None:
            active = mask[..., None]
            a = tuple(ops.where(active, part, one) for part, one in zip(a, self.one, strict=True))
            b = tuple(ops.where(active, part, 0.0) for part in b)
        return states((a, b))

    def step(self, x: Float[Any, "batch features"], state: Complex) -> tuple[Float[Any, "batch width"], Complex]:
        """One step alone: the answer, and the state after it."""
        state = _apply_map(state, self.coefficients(x))
        return self.read(state, x), state

    def get_initial_state(self, batch_size: int) -> Complex:
        """The state before the first step: zeros."""
        return tuple(ops.zeros((batch_size, self.units), self.compute_dtype) for _ in self.one)

    def compute_mask(self, inputs, previous_mask=None):
        """Return the mask where the layer returns a sequence."""
        return previous_mask if self.return_sequences else None

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


def states(maps: AffineMaps) -> Complex:
    """The state after each step, from zeros.

    On a CPU, `sequential_scan` is two to four times as fast as `parallel_scan` (two cores, 32 rows, 40 units, 50 and
    512 steps, with the gradient), and compiles in a fifth of the time.
    """
    return (sequential_scan if jax.default_backend() == "cpu" else parallel_scan)(maps)


def sequential_scan(maps: AffineMaps) -> Complex:
    """The states, one step after the other."""

    def step(state, one_map):
        state = _apply_map(state, one_map)
        return state, state

    by_time: Any = keras.tree.map_structure(lambda part: ops.swapaxes(part, 0, 1), maps)
    nothing = tuple(ops.zeros_like(part[0]) for part in by_time[1])
    _, after = ops.scan(step, nothing, by_time)
    return tuple(ops.swapaxes(part, 0, 1) for part in after)


def parallel_scan(maps: AffineMaps) -> Complex:
    """The states, in a number of rounds that grows as the logarithm of the steps (Blelloch, CMU-CS-90-190, 1.4)."""

    def first_then_second(first: AffineMaps, second: AffineMaps) -> AffineMaps:
        (a1, b1), (a2, _) = first, second
        return _times(a2, a1), _apply_map(b1, second)

    _, after = ops.associative_scan(first_then_second, maps, axis=1)
    return after


def _apply_map(state: Complex, one_map: AffineMaps) -> Complex:
    """The map h ↦ a h + b."""
    a, b = one_map
    return tuple(part + other for part, other in zip(_times(a, state), b, strict=True))


def _times(one: Complex, other: Complex) -> Complex:
    """The product of real numbers, or of complex ones in two parts. (Keras's complex numbers have few operations.)"""
    if len(one) == 1:
        return (one[0] * other[0],)
    (re1, im1), (re2, im2) = one, other
    return re1 * re2 - im1 * im2, re1 * im2 + im1 * re2
