"""Ways to run a recurrence whose steps cannot be computed all at once."""

from collections.abc import Callable
from typing import Any

from memoryspan.backend import jax, keras

ops: Any = keras.ops  # annotated there as returning None
tree: Any = keras.tree

Step = Callable[[Any, Any], tuple[Any, Any]]
"""(state, terms of one step) -> (state after it, output)."""

SEGMENT = 32
"""Steps between two states that `checkpointed_walk` keeps."""


def on_accelerator() -> bool:
    """Return whether computations run on a GPU or a TPU, where many small steps are slower than few large ones."""
    return jax.default_backend() != "cpu"


def walk(step: Step, state: Any, terms: Any) -> tuple[Any, Any]:
    """Run the steps one after the other.

    Args:
        step: the recurrence.
        state: arrays (batch, ...), before the first step.
        terms: arrays (batch, time, ...), what the steps read.

    Returns:
        The outputs, (batch, time, ...), and the state after the last step.
    """
    state, outputs = ops.scan(step, state, _time_first(terms))
    return _time_first(outputs), state


def checkpointed_walk(step: Step, state: Any, terms: Any, segment: int = SEGMENT) -> tuple[Any, Any]:
    """Run the steps one after the other, and keep the state after every `segment` steps only.

    The gradient computes the states in between again. It takes a fraction of the memory of `walk`, and where the state
    is large less time as well. Arguments and results are those of `walk`.
    """
    time = tree.flatten(terms)[0].shape[1]
    if time <= segment:
        return walk(step, state, terms)
    missing = -time % segment
    shown = ops.arange(time + missing) < time

    def guarded(state, given):
        one, is_shown = given
        after, output = step(state, one)
        return (tree.map_structure(lambda new, old: ops.where(is_shown, new, old), after, state), output)

    def whole_segment(state, given):
        return ops.scan(guarded if missing else step, state, given)

    by_segment = tree.map_structure(lambda part: _segments(part, missing, segment), _time_first(terms))
    given = (by_segment, ops.reshape(shown, (-1, segment))) if missing else by_segment
    state, outputs = ops.scan(keras.remat(whole_segment), state, given)
    outputs = tree.map_structure(lambda part: ops.reshape(part, (-1, *part.shape[2:]))[:time], outputs)
    return _time_first(outputs), state


def _time_first(arrays: Any) -> Any:
    return tree.map_structure(lambda part: ops.swapaxes(part, 0, 1), arrays)


def _segments(part: Any, missing: int, segment: int) -> Any:
    """(time, ...) -> (segments, segment, ...), the last one filled up with zeros."""
    filled = ops.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1)) if missing else part
    return ops.reshape(filled, (-1, segment, *part.shape[1:]))
