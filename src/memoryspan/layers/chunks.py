"""Running a recurrence chunk by chunk, with the steps of a chunk computed at once."""

from collections.abc import Callable
from typing import Any

from memoryspan.backend import keras

ops: Any = keras.ops  # annotated there as returning None
tree: Any = keras.tree


def chunks_of(terms: Any, chunk: int, fill: float = 0.0) -> Any:
    """Return arrays (batch, time, heads, ...) as (chunks, batch, heads, chunk, ...), the last one filled up."""
    return tree.map_structure(lambda part: _chunks(part, chunk, fill), terms)


def _chunks(part: Any, chunk: int, fill: float) -> Any:
    batch, time, heads, *rest = part.shape
    missing = -time % chunk
    widths = [(0, 0), (0, missing)] + [(0, 0)] * (part.ndim - 2)
    filled = ops.pad(part, widths, constant_values=fill) if missing else part
    split = ops.reshape(filled, (batch, -1, chunk, heads, *rest))
    return ops.transpose(split, (1, 0, 3, 2, *range(4, part.ndim + 1)))


def in_chunks(one_chunk: Callable[[Any, Any], tuple[Any, Any]], state: Any, chunks: Any, time: int) -> tuple[Any, Any]:
    """Run `one_chunk(state, chunk) -> (state, output)`, and return the outputs (batch, time, heads, ...) and the state.

    A chunk is computed again for the gradient, so that only the states between chunks are kept.
    """
    state, outputs = ops.scan(keras.remat(one_chunk), state, chunks)
    chunks, batch, heads, chunk, *rest = outputs.shape
    in_order = ops.transpose(outputs, (1, 0, 3, 2, *range(4, outputs.ndim)))
    return ops.reshape(in_order, (batch, chunks * chunk, heads, *rest))[:, :time], state
