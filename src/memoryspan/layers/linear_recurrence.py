"""Recurrences that are linear in their state, h' = a(x) h + b(x), and so need not be computed step by step.

They run in linear space: |a| ≤ 1, so that products of it can only shrink, and nothing overflows.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from memoryspan.backend import keras
from memoryspan.layers.masked_steps import back_in_place, shown_first
from memoryspan.layers.recurrence import WINDOW, Recurrence, State
from memoryspan.layers.short_convolution import check_short_conv, kernel_of, short_convolution
from memoryspan.layers.walk import on_accelerator, walk
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None
tree: Any = keras.tree

Complex = tuple[Any, ...]
"""A number a unit: its real part, or its real and its imaginary part, each (batch, time, units) or (batch, units)."""

AffineMaps = tuple[Complex, Complex]
"""(a, b): the maps h ↦ a h + b of the steps."""


class LinearRecurrence(Recurrence):
    """A layer whose subclass defines `coefficients`, and where it differs, `project`, `read` and `gates`.

    The recurrence reads u, the projected input through a short convolution if there is one.

    Args:
        units: numbers in the state.
        short_conv: steps of the depthwise causal convolution; None for none.
        kwargs: the other arguments of `Recurrence`.
    """

    one: tuple[float, ...] = (1.0,)
    """The number 1 in the parts that the layer's numbers have."""

    state_names: tuple[str, ...] = ("hidden",)
    """The names of the parts of the state."""

    def __init__(self, units: int, *, short_conv: int | None = None, **kwargs):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("units", units, at_least=1, instead="25, for example")
        check_short_conv(short_conv)
        self.units, self.short_conv = units, short_conv

    def build(self, input_shape):
        """Draw the kernel of the short convolution, (steps, width), and its bias."""
        if self.short_conv:
            rng = np.random.default_rng(None if self.seed is None else [self.seed, 1])
            shape = steps, width = self.short_conv, self.read_width(input_shape[-1])
            self.add_drawn("short_conv_kernel", shape, lambda: kernel_of(rng, steps, width))
            self.add_drawn("short_conv_bias", (width,), lambda: np.zeros(width))

    def project(self, x: Float[Any, "batch time features"]) -> Float[Any, "batch time read"]:
        """Return what the convolution reads, and the recurrence after it; by default the input."""
        return x

    def read_width(self, features: int) -> int:
        """Return the width of what `project` returns."""
        return features

    def gates(self, u: Float[Any, "batch time read"]) -> dict[str, Float[Any, "batch time units"]]:
        """Return the gates by name, for a trace; none by default."""
        return {}

    def coefficients(self, u: Float[Any, "batch time read"]) -> AffineMaps:
        """Return (a, b) of every step."""
        raise NotImplementedError  # each layer has its own

    def read(
        self, state: Complex, u: Float[Any, "batch time read"], x: Float[Any, "batch time features"]
    ) -> Float[Any, "batch time width"]:
        """Return the outputs in these states."""
        return state[0]

    def width(self, features: int) -> int:
        """Return the number of features of an output."""
        return self.units

    def state_shapes(self, length: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the parts of the state, and of the window of the short convolution."""
        window = {WINDOW: (self.short_conv - 1, self.short_conv_bias.shape[0])} if self.short_conv else {}
        return dict.fromkeys(self.state_names, (self.units,)) | window

    def run(self, x, state):
        """Return the outputs, and the state after the last step."""
        u, window = self._convolved(x, state)
        after = self._states(u, state)
        last = {name: part[:, -1] for name, part in zip(self.state_names, after, strict=True)}
        return self.read(tuple(ops.cast(part, x.dtype) for part in after), u, x), last | window

    def trace_states(self, x: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None = None):
        """Return the gates and the state at every step, by name: (batch, time, units) each."""
        x = x if mask is None else shown_first(x, mask)
        state = self.get_initial_state(x.shape[0])
        u, _ = self._convolved(x, state)
        arrays = self.gates(u) | dict(zip(self.state_names, self._states(u, state), strict=True))
        return arrays if mask is None else {name: back_in_place(part, mask) for name, part in arrays.items()}

    def _convolved(self, x: Float[Any, "batch time features"], state: State) -> tuple[Any, State]:
        u = self.project(x)
        if not self.short_conv:
            return u, {}
        u, window = short_convolution(u, state[WINDOW], self.short_conv_kernel, self.short_conv_bias)
        return u, {WINDOW: window}

    def _states(self, u: Float[Any, "batch time read"], state: State) -> Complex:
        """Return the state after each step."""
        a, b = tree.map_structure(lambda part: ops.cast(part, self.state_dtype), self.coefficients(u))
        return states((a, b), tuple(state[name] for name in self.state_names))

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "units": self.units, "short_conv": self.short_conv}


def states(maps: AffineMaps, initial: Complex) -> Complex:
    """Return the state after each step.

    On a CPU, `sequential_scan` is two to four times as fast as `parallel_scan` (two cores, 32 rows, 40 units, 50 and
    512 steps, with the gradient), and compiles in a fifth of the time.
    """
    return (parallel_scan if on_accelerator() else sequential_scan)(maps, initial)


def sequential_scan(maps: AffineMaps, initial: Complex) -> Complex:
    """Return the states, computed one step after the other."""

    def step(state, one_map):
        state = _apply_map(state, one_map)
        return state, state

    after, _ = walk(step, initial, maps)
    return after


def parallel_scan(maps: AffineMaps, initial: Complex) -> Complex:
    """Return the states, in as many rounds as the logarithm of the steps (Blelloch, CMU-CS-90-190, section 1.4)."""

    def first_then_second(first: AffineMaps, second: AffineMaps) -> AffineMaps:
        (a1, b1), (a2, _) = first, second
        return _times(a2, a1), _apply_map(b1, second)

    from_start = ops.associative_scan(first_then_second, maps, axis=1)
    return _apply_map(tuple(part[:, None] for part in initial), from_start)


def _apply_map(state: Complex, one_map: AffineMaps) -> Complex:
    """Return a h + b."""
    a, b = one_map
    return tuple(part + other for part, other in zip(_times(a, state), b, strict=True))


def _times(one: Complex, other: Complex) -> Complex:
    """Return the product of real numbers, or of complex ones in two parts: Keras's have few operations."""
    if len(one) == 1:
        return (one[0] * other[0],)
    (re1, im1), (re2, im2) = one, other
    return re1 * re2 - im1 * im2, re1 * im2 + im1 * re2
