"""What a model answers: one sequence or many, as tokens or as arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from memoryspan.backend import keras
from memoryspan.engine import Forward, forward, variables_of
from memoryspan.engine.forward import input_shape, output_shape
from memoryspan.errors import ModelError, TaskError

ROWS, SYMBOLS = 1024, 2**22
"""What goes through a model in one call at most: bounds the memory, however many the sequences and however long."""


def predict(model: keras.Model, sequences, *, probabilities: bool = False) -> np.ndarray | list[np.ndarray]:
    """A Keras model's answers to sequences of any lengths.

    Args:
        model: any Keras model over a sequence.
        sequences: one sequence of tokens, a list of them, or an array: tokens (samples, timesteps), or one-hot or real
            vectors (samples, timesteps, features).
        probabilities: give what the model puts out, in place of the most probable class.

    Returns:
        The answer to one sequence, or the list of the answers to many: a class, or one a step for a model that answers
        at every step; with `probabilities` a vector, or one a step. A model that answers with one number has no
        classes: its outputs are given either way, of shape (1,), or (timesteps, 1).

    Raises:
        TaskError: a sequence is empty, holds a symbol that the model does not know, has a length that it does not
            take, or is an array of a shape that it does not take.
        ModelError: the model does not take a sequence.
    """
    steps, n_features = _expected(model)
    rows, single = _rows(sequences, steps, n_features)
    outputs = _outputs(model, rows, steps)
    answers = outputs if probabilities else [classes(output) for output in outputs]
    return answers[0] if single else answers


def classes(output: Float[np.ndarray, "*time outputs"]) -> np.ndarray:
    """The most probable classes of an output; the output as it is where it is a number."""
    return output if is_number(output) else output.argmax(-1)


def is_number(output: Float[np.ndarray, "*time outputs"]) -> bool:
    """Whether a model that puts this out answers with one number, which has no classes."""
    return output.shape[-1:] in ((), (1,))


def _outputs(model: keras.Model, rows: list[np.ndarray], steps: int | None) -> list[np.ndarray]:
    """What the model puts out for each row, past its end nothing."""
    trainable, non_trainable = model.trainable_variables, model.non_trainable_variables
    served = _served(model, tuple(map(id, trainable)), tuple(map(id, non_trainable)))
    variables, lengths = variables_of(model), np.array([len(row) for row in rows], np.int32)
    outputs = [np.empty(0)] * len(rows)
    for numbers in _batches(lengths, served.ragged):
        longest = int(lengths[numbers].max())
        width = steps or (_rounded_up(longest) if served.ragged else longest)
        inputs = jnp.asarray(_padded([rows[number] for number in numbers], width))
        padding = len(inputs) - len(numbers)
        outcome = served.apply(
            variables, inputs, jnp.asarray(np.pad(lengths[numbers], (0, padding), constant_values=1))
        )
        for number, output in zip(numbers, np.asarray(outcome.predictions), strict=False):
            outputs[number] = output[: lengths[number]] if output.ndim == 2 else output
    return outputs


@lru_cache(maxsize=4)  # keeps its models alive: a few
def _served(model: keras.Model, trainable: tuple[int, ...], non_trainable: tuple[int, ...]) -> Forward:
    """The model's pure function, compiled once, so that a loop over single sequences does not compile in each turn.

    It takes the variables in the order of the two tuples of their ids; a layer frozen in between changes that.
    """
    output_shape(model)  # refuses a model that does not give one array
    fwd = forward(model)
    return replace(fwd, apply=jax.jit(fwd.apply))


def _batches(lengths: Int[np.ndarray, "rows"], ragged: bool) -> Iterator[Int[np.ndarray, "batch"]]:
    """The numbers of the rows that go through the model together: of like lengths, or of equal ones."""
    order = np.argsort(lengths, kind="stable")
    groups = [order] if ragged else np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    for group in groups:
        height = min(ROWS, max(1, SYMBOLS // _rounded_up(int(lengths[group[-1]]))))
        yield from (group[first : first + height] for first in range(0, len(group), height))


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


def _padded(rows: list[np.ndarray], width: int) -> np.ndarray:
    """The rows in one array, its height rounded up."""
    padded = np.zeros((_rounded_up(len(rows)), width, *rows[0].shape[1:]), rows[0].dtype)
    for into, row in zip(padded, rows, strict=False):
        into[: len(row)] = row
    return padded


def _rounded_up(number: int) -> int:
    """To a power of two, so that few shapes are ever compiled."""
    return 1 << (number - 1).bit_length()
