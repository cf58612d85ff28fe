"""Inside a model: gates and states at every step, its answer at every step, and where that answer comes from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Num

from memoryspan.backend import keras
from memoryspan.engine import variables_of
from memoryspan.engine.padding import may_read_padding
from memoryspan.engine.shapes import input_shape, output_shape
from memoryspan.engine.trace import HOOK, LayerTrace, Traced, prefix_predictions, traced
from memoryspan.errors import ModelError
from memoryspan.inference.inputs import MAX_TOKENS, batches, pad_rows
from memoryspan.inference.predict import compiled_forward, is_classifier, outputs_of
from memoryspan.inference.reading import Reads, n_symbols_of, read, reading_of
from memoryspan.tasks import Task
from memoryspan.validate import checked, position

MAX_COMPILED_PREFIXES = 64
"""Prefixes of a sequence that are run one by one, at most: Keras compiles each anew (about a second)."""


@dataclass(frozen=True)
class Trace:
    """What a model did with some sequences. In every array, what lies past a sequence's end is NaN."""

    inputs: tuple[Num[np.ndarray, "time *features"], ...]
    """The sequences as read: symbols, numbers, or vectors."""
    lengths: Int[np.ndarray, "batch"]
    """Their time steps."""
    layers: tuple[LayerTrace, ...]
    """The recurrent layers in the order in which they run; of a bidirectional one, first forward, then backward."""
    predictions: Float[np.ndarray, "batch time outputs"] | None
    """The model's output at every step; where it has one for a sequence, what that would be if it ended there."""
    reason: str
    """Why there are no predictions; empty where there are."""
    of_classes: bool = True
    """Whether the predictions are of classes, and not numbers."""


@checked
def trace(model: keras.Model, sequences: Any, *, task: Task | None = None, reads: Reads | None = None) -> Trace:
    """Return the gates and states of every recurrent layer of a Keras model, and its output, at every step.

    Any model over one sequence works, wherever it was trained: a chain, a graph or a class of its own; LSTM, GRU,
    SimpleRNN, one or several, bidirectional, backwards, stateful, or their cells in an `RNN`. A cell of your own shows
    its output and its states. A layer of your own shows what its method `trace_states(self, x, mask)` returns: a dict
    of named arrays (batch, time, units), for the input that its `call` got.

    Args:
        model: any Keras model over a sequence.
        sequences: as `predict` reads them; a single one is a batch of one.
        task: as in `predict`.
        reads: as in `predict`.

    Raises:
        TaskError: a sequence makes no sense to the model.
        ModelError: there is no recurrent layer in it, or it takes something other than one sequence.
    """
    rows, _ = read(sequences, reading_of(model, task, reads))
    lengths = np.array([len(row) for row in rows], np.int32)
    if not (pieces := list(_run(model, rows, lengths)))[0].layers:
        raise ModelError(
            f"The model {model.name!r} has no recurrent layer to trace: give one with an LSTM, a GRU or a SimpleRNN, "
            f"or give your own layer a method {HOOK}(self, x, mask)."
        )
    predictions, reason = _predictions(model, rows, lengths, pieces)
    of_classes = is_classifier(model, task)
    return Trace(tuple(rows), lengths, tuple(_layers(pieces, len(rows))), predictions, reason, of_classes)


@checked
def saliency(
    model: keras.Model,
    sequences: Any,
    step: int | None = None,
    *,
    task: Task | None = None,
    reads: Reads | None = None,
) -> Float[np.ndarray, "batch time"]:
    """Return |∂ p(answer) / ∂ input| at each step: where in a sequence the answer comes from. NaN past its end.

    The Euclidean norm over the features of the input, which for symbols are their one-hot vectors (Madsen, "Visualizing
    memorization in RNNs", Distill 2019). The answer is the most probable class, the number, or all numbers of a vector
    (the norm is over those as well), at the last step; of a model that answers at every step, also at another `step`,
    counted from 0. `task` and `reads` are those of `predict`.

    Raises:
        TaskError: a sequence makes no sense to the model, or does not have the step.
        ModelError: the model takes something other than one sequence, or reads symbols in a way of its own; or it
            answers once, and a step was given.
    """
    reading = reading_of(model, task, reads)
    rows, _ = read(sequences, reading)
    fwd, of_symbols = compiled_forward(model), np.issubdtype(rows[0].dtype, np.integer)
    if of_symbols and fwd.engine == "keras" and len(input_shape(model)) == 2:
        raise ModelError(
            f"The model {model.name!r} reads tokens, which have no gradient, and its layers are not a chain of stock "
            f"layers in which they stand for one-hot vectors: give a model that reads one-hot vectors."
        )
    lengths, pieces = np.array([len(row) for row in rows], np.int32), []
    if step is not None:
        _check_step(model, step, int(lengths.min()))
    ends = lengths if step is None else np.full_like(lengths, step + 1)
    n_symbols = (n_symbols_of(model) or reading.n_features) if of_symbols else None
    of_classes = is_classifier(model, task)
    slope = jax.jit(jax.grad(lambda *given: _summed_answers(fwd.apply, *given), argnums=1))
    for numbers in batches(lengths, fwd.ragged):
        inputs = _as_vectors(pad_rows([rows[number] for number in numbers], int(lengths[numbers].max())), n_symbols)
        rows_added = 0, len(inputs) - len(numbers)
        rounded = [jnp.asarray(np.pad(part[numbers], rows_added, constant_values=1)) for part in (lengths, ends)]
        which = [None] if of_classes else range(output_shape(model)[-1] or 1)
        slopes = [np.asarray(slope(variables_of(model), inputs, *rounded, one)) for one in which]
        features = np.stack([one.reshape(*inputs.shape[:2], -1) for one in slopes], axis=-1)
        size = np.sqrt((features**2).sum((-2, -1)))
        pieces.append((numbers, size[: len(numbers), :, np.newaxis]))
    return _nan_past_end(_join(pieces, len(rows)), lengths)[..., 0]


def _check_step(model: keras.Model, step: int, min_length: int) -> None:
    """Raise where the model has no output at this step of the shortest of the sequences."""
    if len(output_shape(model)) == 2:
        raise ModelError(f"The model {model.name!r} has one output, at the last step: leave out step.")
    position("step", step, min_length)


def _summed_answers(apply, variables, inputs, lengths, ends, number) -> Float[jax.Array, ""]:
    """Return the sum of the answers at the ends: rows do not see each other, so each has a gradient of its own.

    An answer is the output of this number; of the most probable class, where that is None.
    """
    outputs = apply(variables, inputs, lengths).predictions
    if outputs.ndim == 3:
        outputs = jnp.take_along_axis(outputs, ends[:, None, None] - 1, axis=1)[:, 0]
    which = jnp.argmax(outputs, -1, keepdims=True) if number is None else jnp.full((len(outputs), 1), number)
    return jnp.take_along_axis(outputs, which, axis=-1).sum()


def _as_vectors(inputs: Num[np.ndarray, "batch time *features"], n_symbols: int | None) -> Float[jax.Array, "..."]:
    """Return inputs that have a gradient: numbers as they are, symbols as one-hot vectors."""
    return jnp.asarray(inputs) if n_symbols is None else jax.nn.one_hot(inputs, n_symbols)


@dataclass(frozen=True)
class _Piece:
    """The outputs and traces of the rows that went through the model together."""

    numbers: Int[np.ndarray, "rows"]
    outputs: object
    layers: list[LayerTrace]


def _run(model: keras.Model, rows: list[np.ndarray], lengths: Int[np.ndarray, "batch"]) -> Iterator[_Piece]:
    """Run the rows in batches; rows of several lengths together only where the model does not read its padding."""
    ragged = input_shape(model)[0] is None and not may_read_padding(model)
    variables = model.trainable_variables, model.non_trainable_variables
    run = _compiled(model, ragged, *(tuple(map(id, part)) for part in variables))
    for numbers in batches(lengths, ragged):
        _check_height(model, len(numbers))
        inputs = pad_rows([rows[number] for number in numbers], int(lengths[numbers].max()))[: len(numbers)]
        try:
            found = run(variables_of(model), jnp.asarray(inputs), jnp.asarray(lengths[numbers]))
        except jax.errors.UnexpectedTracerError as error:
            raise ModelError(
                f"The model {model.name!r} calls a recurrent layer from inside a loop of its own (TimeDistributed, a "
                f"scan), where it cannot be watched: call the layer once, on the whole sequence."
            ) from error
        yield _Piece(numbers, *jax.tree.map(np.asarray, found))


@lru_cache(maxsize=4)  # keeps its models alive: a few
def _compiled(model: keras.Model, ragged: bool, trainable: tuple[int, ...], non_trainable: tuple[int, ...]) -> Traced:
    # Compiled once a model; the ids of its variables change when a layer is frozen in between.
    return jax.jit(traced(model, ragged))


def _check_height(model: keras.Model, rows: int) -> None:
    height = input_shape(model)[0]
    if height not in (None, rows):
        raise ModelError(
            f"The model {model.name!r} takes batches of exactly {height} sequences of one length, and got {rows}."
        )


def _layers(pieces: Sequence[_Piece], rows: int) -> Iterator[LayerTrace]:
    for same in zip(*(piece.layers for piece in pieces), strict=True):
        parts = {name: [one.arrays[name] for one in same] for name in same[0].arrays}
        numbers = [piece.numbers for piece in pieces]
        arrays = {name: _join(zip(numbers, part, strict=True), rows) for name, part in parts.items()}
        yield LayerTrace(same[0].name, same[0].kind, arrays)


def _join(pieces: Iterable[tuple], rows: int) -> Float[np.ndarray, "batch time width"]:
    """Return one array of all rows in their order, from (numbers of rows, array); NaN where a row has no step."""
    pieces = list(pieces)
    n_steps, width = max(part.shape[1] for _, part in pieces), pieces[0][1].shape[2:]
    whole = np.full((rows, n_steps, *width), np.nan, np.float32)
    for numbers, part in pieces:
        whole[numbers, : part.shape[1]] = part
    return whole


def _nan_past_end(
    array: Float[np.ndarray, "batch time width"], lengths: Int[np.ndarray, "batch"]
) -> Float[np.ndarray, "batch time width"]:
    """Put NaN past the lengths, where the array has the steps of the sequences."""
    past = np.arange(array.shape[1]) >= lengths[:, np.newaxis]
    return np.where(past[..., np.newaxis], np.nan, array) if array.shape[1] == lengths.max() else array


def _predictions(
    model: keras.Model, rows: list[np.ndarray], lengths: Int[np.ndarray, "batch"], pieces: Sequence[_Piece]
) -> tuple[Float[np.ndarray, "batch time outputs"] | None, str]:
    """Return the model's output at every step, or None and the reason why it cannot be had."""
    try:
        n_axes = len(output_shape(model))
    except ModelError as error:
        return None, str(error)
    if n_axes == 3:
        outputs = _join([(piece.numbers, piece.outputs) for piece in pieces], len(rows))
        return _nan_past_end(outputs, lengths), ""
    if apply := prefix_predictions(model):
        return _prefixes_at_once(apply, model, rows, lengths), ""
    if reason := _why_no_prefixes(model, lengths):
        return None, reason
    prefixes = outputs_of(model, [row[:end] for row in rows for end in range(1, len(row) + 1)])
    if len({prefix.shape for prefix in prefixes}) > 1:
        return None, "its output has another shape for each length"
    by_row = np.split(np.array(prefixes), np.cumsum(lengths)[:-1])
    return _join((([number], part[np.newaxis]) for number, part in enumerate(by_row)), len(rows)), ""


def _prefixes_at_once(
    apply, model: keras.Model, rows: list[np.ndarray], lengths
) -> Float[np.ndarray, "batch time outputs"]:
    apply, pieces = jax.jit(apply), []
    for numbers in batches(lengths, ragged=True):
        inputs = pad_rows([rows[number] for number in numbers], int(lengths[numbers].max()))[: len(numbers)]
        output = apply(variables_of(model), jnp.asarray(inputs), jnp.asarray(lengths[numbers]))
        pieces.append((numbers, np.asarray(output.predictions)))
    return _nan_past_end(_join(pieces, len(rows)), lengths)


def _why_no_prefixes(model: keras.Model, lengths: Int[np.ndarray, "batch"]) -> str:
    """Return why the model cannot be run on each prefix of the sequences; empty where it can."""
    height, steps, *_ = input_shape(model)
    if steps is not None:
        return f"it takes exactly {steps} time steps, and so no prefix of them"
    if height is not None:
        return f"it takes batches of exactly {height} sequences, and each of them has many prefixes"
    if int((lengths.astype(np.int64) ** 2).sum()) > MAX_TOKENS:
        return f"all prefixes of the sequences together have more than {MAX_TOKENS:,} time steps"
    fwd = compiled_forward(model)
    if (least := fwd.length_from(1, int(lengths.min()))) > 1:
        return f"it takes no sequence shorter than {least} steps, and so no prefix of that length"
    if lengths.max() > MAX_COMPILED_PREFIXES and not fwd.ragged:
        return f"it takes one length a batch, so that over {MAX_COMPILED_PREFIXES} prefixes would each be compiled anew"
    return ""


def named_arrays(trace: Trace) -> dict[str, np.ndarray]:
    """Return all arrays of a trace, those of a layer as "layer/array"."""
    found = {f"{layer.name}/{name}": array for layer in trace.layers for name, array in layer.arrays.items()}
    found |= {} if trace.predictions is None else {"predictions": trace.predictions}
    return found | {"lengths": trace.lengths}
