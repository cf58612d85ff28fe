"""Sequences as people give them, read into rows, and rows as a model takes them."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

from memoryspan.backend import keras
from memoryspan.engine.forward import input_shape
from memoryspan.errors import ModelError, TaskError

ROWS, SYMBOLS = 1024, 2**22
"""What goes through a model in one call at most: bounds the memory, however many the sequences and however long."""


def expected(model: keras.Model) -> tuple[int | None, int]:
    """The length that a model insists on, if any, and its number of features (for a reader of tokens: of symbols)."""
    _, steps, *features = input_shape(model)
    if features and features[0] is not None:
        return steps, features[0]
    table = next((layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)), None)
    if table is None:
        raise ModelError(f"The model {model.name!r} says neither how many features nor how many symbols it takes.")
    return steps, table.input_dim


def read(sequences, steps: int | None, n_features: int) -> tuple[list[np.ndarray], bool]:
    """Each sequence as an array of tokens, or of vectors, and whether it was a single one."""
    if _is_array(sequences):
        sequences = np.asarray(sequences)
        _check_array(sequences, n_features)
        many = sequences.ndim > 1
    else:
        many = isinstance(sequences, Sequence) and len(sequences) > 0 and _is_sequence(sequences[0])
    return [_row(row, steps, n_features) for row in (sequences if many else [sequences])], not many


def _is_array(thing) -> bool:
    """Whether it is an array, of NumPy, JAX or another library."""
    return hasattr(thing, "ndim")


def _is_sequence(thing) -> bool:
    """Whether it holds symbols, and is none itself."""
    return thing.ndim > 0 if _is_array(thing) else isinstance(thing, Sequence)


def _check_array(array: np.ndarray, n_features: int) -> None:
    """Refuses arrays whose meaning is not plain from their shape."""
    if array.ndim > 1 and array.size == 0:
        raise TaskError(
            f"An array of sequences should hold at least one symbol, and this one is empty: its shape is {array.shape}."
        )
    one_hot = array.ndim == 2 and array.shape[1] == n_features and ((array == 1).sum(1) == 1).all()
    lone = one_hot and array.max() == 1
    if array.ndim > 3 or (array.ndim == 3 and array.shape[2] != n_features) or lone:
        advice = f": reshape one sequence to (1, {array.shape[0]}, {n_features})" if lone else ""
        raise TaskError(
            f"An array of one-hot vectors should have the shape (samples, timesteps, features) = (…, …, {n_features}), "
            f"and this one has {array.shape}{advice}."
        )
    if not np.issubdtype(array.dtype, np.number) or not np.isfinite(array).all():
        raise TaskError("An array of sequences should hold numbers, all of them finite, and this one does not.")


def _row(row, steps: int | None, n_features: int) -> np.ndarray:
    array = np.atleast_1d(np.asarray(row))
    if array.size == 0:
        raise TaskError("A sequence should hold at least one symbol, and this one is empty.")
    if steps is not None and len(array) != steps:
        raise TaskError(f"This model takes exactly {steps} time steps, and the sequence has {len(array)}.")
    if array.ndim == 2:
        return array.astype(np.float32)
    if not np.issubdtype(array.dtype, np.integer):
        raise TaskError(
            f"A sequence should be whole numbers from 0 to {n_features - 1}, got {array.flat[0].item()!r} in it."
        )
    wrong = array[(array < 0) | (array >= n_features)]
    if wrong.size:
        raise TaskError(f"Symbols go from 0 to {n_features - 1} for this model, and the sequence holds {wrong[0]}.")
    return array.astype(np.int32)


def batches(lengths: Int[np.ndarray, "rows"], ragged: bool) -> Iterator[Int[np.ndarray, "batch"]]:
    """The numbers of the rows that go through the model together: of like lengths, or of equal ones."""
    order = np.argsort(lengths, kind="stable")
    groups = [order] if ragged else np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    for group in groups:
        height = min(ROWS, max(1, SYMBOLS // rounded_up(int(lengths[group[-1]]))))
        yield from (group[first : first + height] for first in range(0, len(group), height))


def padded(rows: list[np.ndarray], width: int) -> np.ndarray:
    """The rows in one array, its height rounded up."""
    array = np.zeros((rounded_up(len(rows)), width, *rows[0].shape[1:]), rows[0].dtype)
    for into, row in zip(array, rows, strict=False):
        into[: len(row)] = row
    return array


def rounded_up(number: int) -> int:
    """To a power of two, so that few shapes are ever compiled."""
    return 1 << (number - 1).bit_length()
