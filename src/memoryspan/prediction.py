"""What a model answers: one sequence or many, as tokens or as arrays."""

from collections.abc import Sequence
from functools import lru_cache

import jax
import numpy as np
from jaxtyping import Float, Int

from memoryspan.backend import keras
from memoryspan.engine import forward, variables_of
from memoryspan.engine.forward import input_shape
from memoryspan.errors import ModelError, TaskError


def predict(model: keras.Model, sequences, *, probabilities: bool = False) -> np.ndarray | list[np.ndarray]:
    """A Keras model's answers to sequences of any lengths.

    Args:
        model: any Keras model over a sequence.
        sequences: one sequence of tokens, a list of them, or an array: tokens (samples, timesteps), or one-hot or real
            vectors (samples, timesteps, features).
        probabilities: give what the model puts out, in place of the most probable class.

    Returns:
        The answer to one sequence, or the list of the answers to many: a class, or one a step for a model that answers
        at every step; with `probabilities` a vector, or one a step.

    Raises:
        TaskError: a sequence is empty, holds a symbol that the model does not know, has a length that it does not
            take, or is an array of a shape that it does not take.
        ModelError: the model does not take a sequence.
    """
    steps, n_features = _expected(model)
    rows, single = _rows(sequences, steps, n_features)
    lengths = np.array([len(row) for row in rows], np.int32)
    apply = _compiled(model, tuple(id(variable) for variable in model.variables))
    outcome = apply(variables_of(model), *_padded(rows, lengths, steps))
    outputs = np.asarray(outcome.predictions)[: len(rows)]
    answers = [_answer(output, n, probabilities) for output, n in zip(outputs, lengths, strict=True)]
    return answers[0] if single else answers


@lru_cache(maxsize=4)  # keeps its models alive: a few
def _compiled(model: keras.Model, variables: tuple[int, ...]):
    """The model's pure function, compiled once, so that a loop over single sequences does not compile in each turn."""
    return jax.jit(forward(model).apply)


def _expected(model: keras.Model) -> tuple[int | None, int]:
    """The length that a model insists on, if any, and its number of features (for a reader of tokens: of symbols)."""
    _, steps, *features = input_shape(model)
    if features and features[0] is not None:
        return steps, features[0]
    table = next((layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)), None)
    if table is None:
        raise ModelError(f"The model {model.name!r} says neither how many features nor how many symbols it takes.")
    return steps, table.input_dim


def _rows(sequences, steps: int | None, n_features: int) -> tuple[list[np.ndarray], bool]:
    """Each sequence as an array of tokens, or of vectors, and whether it was a single one."""
    if isinstance(sequences, np.ndarray) and sequences.ndim > 1:
        _check_array(sequences, n_features)
        rows, single = list(sequences), False
    else:
        many = (
            isinstance(sequences, Sequence) and len(sequences) > 0 and isinstance(sequences[0], Sequence | np.ndarray)
        )
        rows, single = (list(sequences), False) if many else ([sequences], True)
    return [_row(row, steps, n_features) for row in rows], single


def _check_array(array: np.ndarray, n_features: int) -> None:
    """Refuses arrays whose meaning is not plain from their shape."""
    one_hot = array.ndim == 2 and array.shape[1] == n_features and ((array == 1).sum(1) == 1).all()
    if array.ndim > 3 or (array.ndim == 3 and array.shape[2] != n_features) or (one_hot and array.max() == 1):
        raise TaskError(
            f"An array of one-hot vectors should have the shape (samples, timesteps, features) = (…, …, {n_features}), "
            f"and this one has {array.shape}: reshape one sequence to (1, {array.shape[0]}, {array.shape[-1]})."
        )


def _row(row, steps: int | None, n_features: int) -> np.ndarray:
    array = np.asarray(row)
    if array.size == 0:
        raise TaskError("A sequence should hold at least one symbol, and this one is empty.")
    if steps is not None and len(array) != steps:
        raise TaskError(f"This model takes exactly {steps} time steps, and the sequence has {len(array)}.")
    if array.ndim == 2:
        return array.astype(np.float32)
    if not np.issubdtype(array.dtype, np.integer):
        raise TaskError(
            f"A sequence should be whole numbers from 0 to {n_features - 1}, and this one holds {array.dtype}."
        )
    wrong = array[(array < 0) | (array >= n_features)]
    if wrong.size:
        raise TaskError(f"Symbols go from 0 to {n_features - 1} for this model, and the sequence holds {wrong[0]}.")
    return array.astype(np.int32)


def _padded(
    rows: list[np.ndarray], lengths: Int[np.ndarray, "batch"], steps: int | None
) -> tuple[np.ndarray, Int[np.ndarray, "rows"]]:
    """The rows in one array, and their lengths; rounded up to powers of two, so that few shapes are ever compiled."""
    height, width = (1 << int(n - 1).bit_length() for n in (len(rows), lengths.max()))
    width = steps or width
    padded = np.zeros((height, width, *rows[0].shape[1:]), rows[0].dtype)
    for into, row in zip(padded, rows, strict=False):
        into[: len(row)] = row
    return padded, np.pad(lengths, (0, height - len(rows)), constant_values=1)


def _answer(output: Float[np.ndarray, "*time outputs"], length: int, probabilities: bool) -> np.ndarray:
    output = output[:length] if output.ndim == 2 else output
    return output if probabilities else output.argmax(-1)
