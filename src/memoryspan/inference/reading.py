"""How a model reads its input: as symbols, as one-hot vectors or as numbers.

The task or `reads` decides, and then the model: its input, and the layers that it has. What is left open, the form of
a sequence decides: whole numbers are symbols, floats are vectors. Where that fits two readings, it is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Int, Num

from memoryspan.backend import keras
from memoryspan.engine.shapes import input_shape
from memoryspan.errors import ModelError, TaskError
from memoryspan.tasks import Task, require_task
from memoryspan.tasks.base import has_symbol_inputs

Reads = Literal["symbols", "one-hot", "numbers"]
"""What the steps of a sequence are."""

READS_OPTION = "(on the command line: --reads)"


@dataclass(frozen=True)
class Reading:
    """The input that a model takes, and how it is read."""

    kind: Reads | None
    """None where the form of a sequence decides."""
    vectors: bool
    """Whether the model's input is (batch, time, features), and not (batch, time)."""
    n_features: int | None
    """The numbers of a step, or of a model of symbols how many there are; None where nothing says how many."""
    steps: int | None
    """The number of time steps that the model insists on; None where it takes any."""
    is_given: bool = False
    """Whether the caller gave the kind."""
    task: Task | None = None
    """The task, if it is known: it has a minimum length."""


def reading_of(model: keras.Model, task: Task | None = None, reads: Reads | None = None) -> Reading:
    """Decide how a model reads sequences; `reads` decides before the task does, and the task before the model.

    Raises:
        ModelError: the model does not take a sequence, or not those of the task.
        TaskError: there is no such `reads`, or the model cannot read that.
    """
    if reads is not None and reads not in get_args(Reads):
        raise TaskError(f"reads should be {', '.join(map(repr, get_args(Reads)))} or None, got {reads!r}.")
    if task is not None:
        require_task(task)
    _, steps, *features = input_shape(model)
    if not features:
        return Reading(_kind_of_steps(model, task, reads), False, _symbols(model, task), steps, reads is not None, task)
    n_features = _width(model, features[0], task)
    return Reading(_kind_of_vectors(n_features, task, reads), True, n_features, steps, reads is not None, task)


def _width(model: keras.Model, n_features: int | None, task: Task | None) -> int:
    """Return the numbers of a step, for a model of vectors."""
    if n_features is None and task is None:
        raise ModelError(
            f"The model {model.name!r} does not say how many features it takes: build it with Input((None, 10)), for "
            f"example, or name a task."
        )
    if task is not None and n_features not in (None, task.n_features):
        raise ModelError(
            f"The model takes inputs of {n_features} features, and the task {task.name} makes {task.n_features}: name "
            f"a task of {n_features}, or build a model for {task.n_features}."
        )
    return task.n_features if n_features is None and task is not None else int(n_features or 0)


def _kind_of_vectors(n_features: int, task: Task | None, reads: Reads | None) -> Reads | None:
    if reads in ("symbols", "one-hot") and n_features == 1:
        raise TaskError(f'This model reads one real channel, which holds numbers: give reads="numbers", got {reads!r}.')
    if reads is not None:
        return reads
    if task is not None:
        return "symbols" if has_symbol_inputs(task) else "numbers"
    return "numbers" if n_features == 1 else None


def _kind_of_steps(model: keras.Model, task: Task | None, reads: Reads | None) -> Reads | None:
    """Return the kind of the steps, for a model whose input is (batch, time)."""
    of_symbols = _takes_integers(model) or next(_embeddings_of_input(model), None) is not None
    if reads == "one-hot" or (reads == "numbers" and of_symbols):
        takes = "symbols" if of_symbols else "one number or symbol a step"
        raise TaskError(f'This model takes {takes}, of shape (batch, time): give reads="symbols", got {reads!r}.')
    if reads is not None:
        return reads
    if task is not None and not has_symbol_inputs(task):
        raise ModelError(
            f"The model takes inputs of shape (batch, time), and the task {task.name} makes vectors of "
            f"{task.n_features} numbers: build it with Input((None, {task.n_features}))."
        )
    return "symbols" if task is not None or of_symbols or any(_embeddings(model)) else None


def _takes_integers(model: keras.Model) -> bool:
    inputs = getattr(model, "inputs", None) or []
    return any(str(x.dtype).startswith(("int", "uint")) for x in inputs)


def n_symbols_of(model: keras.Model) -> int | None:
    """Return the number of symbols that a model takes; None where it takes none, or any number of them.

    In a model of symbols of shape (batch, time), the `Embedding` that reads its input decides it, or the only one.
    """
    _, _, *features = input_shape(model)
    if features:
        return None if features[0] == 1 else features[0]
    return _symbols(model, None)


def _symbols(model: keras.Model, task: Task | None) -> int | None:
    """Return the number of symbols of a model whose input is (batch, time)."""
    sizes = [table.input_dim for table in _embeddings_of_input(model)]
    if task is not None and has_symbol_inputs(task):
        sizes.append(task.n_features)
    elif not sizes:
        tables = list(_embeddings(model))
        sizes = [tables[0].input_dim] if len(tables) == 1 else []
    return min(sizes, default=None)


def _embeddings(model: keras.Model) -> Iterator[keras.layers.Embedding]:
    """Return all embeddings, those in submodels and in layers of one's own as well."""
    return (layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding))


def _embeddings_of_input(model: keras.Model) -> Iterator[keras.layers.Embedding]:
    """Yield the embeddings that read the model's input itself, in submodels as well."""
    for layer in _layers_of_input(model):
        if isinstance(layer, keras.Model):
            yield from _embeddings_of_input(layer)
        elif isinstance(layer, keras.layers.Embedding):
            yield layer


def _layers_of_input(model: keras.Model) -> list[Any]:
    if isinstance(model, keras.Sequential):
        return model.layers[:1]
    inputs = getattr(model, "inputs", None) or []
    return [layer for layer in model.layers if any(_is_called_with(layer, x) for x in inputs)]


def _is_called_with(layer: keras.Layer, x: keras.KerasTensor) -> bool:
    return any(given is x for node in layer._inbound_nodes for given in node.input_tensors)


# Sequences


def read(sequences: Any, reading: Reading) -> tuple[list[np.ndarray], bool]:
    """Return each sequence as the engine takes it, and whether it was a single one.

    Symbols are integers (time,), vectors floats (time, features); numbers are floats (time,) where the model's input is
    (batch, time).

    Raises `TaskError` where a sequence is empty, fits two readings, or does not fit what the model reads.
    """
    depth = _depth(sequences)
    if depth > 3 or (depth == 3 and not reading.vectors):
        raise TaskError(f"This model does not take {_form(sequences)}: {_shapes(reading)}.")
    parts = [_array(part) for part in sequences] if depth > 1 else []
    if depth > 1 and not (parts and all(part.size for part in parts)):
        raise TaskError(f"A sequence should hold at least one step, and this one is empty: {_form(sequences)}.")
    if depth < 2 or (depth == 2 and _is_single(parts, reading)):
        rows, single = [_row(_array(sequences), reading)], True
    else:
        rows, single = [_row(part, reading) for part in parts], False
    if reading.task is not None:
        _require_min_length(rows, reading.task)
    return rows, single


def _require_min_length(rows: list[np.ndarray], task: Task) -> None:
    """Raise `TaskError` where a sequence ends before the task has asked for anything."""
    shortest = min(map(len, rows))
    if shortest < task.min_length:
        raise TaskError(
            f"A sequence of the task {task.name} should have at least {task.min_length} time steps, before which "
            f"nothing is asked, and this one has {shortest}."
        )


def _depth(thing: Any) -> int:
    """Return how deeply sequences are nested: 1 for one of symbols, whatever arrays and lists it is made of."""
    if hasattr(thing, "ndim"):  # an array, of NumPy, JAX or another library
        return int(thing.ndim)
    if isinstance(thing, str) or not isinstance(thing, Sequence):
        return 0
    return 1 + (_depth(thing[0]) if len(thing) else 0)


def _array(thing: Any) -> np.ndarray:
    """Return an array of finite numbers; raise `TaskError` where that cannot be."""
    try:
        array = np.asarray(thing)
    except (TypeError, ValueError):
        raise TaskError(
            "The steps of a sequence should all be alike, symbols, numbers, or vectors of one width, and these are not."
        ) from None
    if array.size and not (_is_whole(array) or np.issubdtype(array.dtype, np.floating)):
        raise TaskError(f"A sequence should hold whole numbers or floats, got {array.flat[0]!r} in it.")
    if not np.isfinite(array).all():
        raise TaskError("A sequence should hold numbers, all of them finite, and this one does not.")
    return array


def _is_whole(array: np.ndarray) -> bool:
    return np.issubdtype(array.dtype, np.integer)


def _is_single(parts: list[np.ndarray], reading: Reading) -> bool:
    """Return whether rows of numbers are the steps of one sequence, and not a sequence each."""
    if not reading.vectors:
        return False
    fits = all(part.shape == (reading.n_features,) for part in parts)
    whole = all(map(_is_whole, parts))
    if reading.n_features == 1 and reading.kind == "numbers":
        if fits:
            _raise_column(len(parts))
        return False
    if reading.kind in ("one-hot", "numbers") or not whole:
        return True
    if fits and not reading.is_given and (reading.kind is None or _is_one_hot(np.stack(parts))):
        _raise_ambiguous(np.stack(parts))
    return False


def _raise_column(steps: int) -> None:
    raise TaskError(
        f"An array of shape ({steps}, 1) is {steps} sequences of one step, or one sequence of {steps}: give shape "
        f"({steps}, 1, 1) for the first, and ({steps},) or (1, {steps}, 1) for the second."
    )


def _raise_ambiguous(array: Int[np.ndarray, "rows features"]) -> None:
    rows, n_features = array.shape
    kind = "one-hot" if _is_one_hot(array) else "numbers"
    raise TaskError(
        f"Whole numbers of shape ({rows}, {n_features}) fit two readings: sequences of {n_features} symbols, {rows} in "
        f'number, or one sequence of {rows} steps of {n_features} features. Give reads="symbols" or '
        f'reads="{kind}" {READS_OPTION}.'
    )


def _row(array: np.ndarray, reading: Reading) -> np.ndarray:
    """Return one sequence, as the engine takes it."""
    if array.ndim not in (1, 2):
        raise TaskError(f"This model does not take {_form(array)} as a sequence: {_shapes(reading)}.")
    if len(array) == 0:
        raise TaskError("A sequence should hold at least one step, and this one is empty.")
    if reading.steps not in (None, len(array)):
        raise TaskError(f"This model takes exactly {reading.steps} time steps, and the sequence has {len(array)}.")
    if array.ndim == 2:
        return _vectors(array, reading)
    if _holds_symbols(array, reading):
        return _tokens(array, reading)
    if reading.vectors and reading.n_features != 1:
        raise TaskError(f"This model reads {reading.n_features} numbers a step, and got one: {_shapes(reading)}.")
    numbers = _floats(array)
    return numbers[:, np.newaxis] if reading.vectors else numbers


def _holds_symbols(array: np.ndarray, reading: Reading) -> bool:
    """Return whether a sequence of one dimension is one of symbols."""
    if reading.kind is not None:
        return reading.kind == "symbols"
    if not reading.vectors and _is_whole(array):
        raise TaskError(
            f"Whole numbers may be symbols or numbers, and nothing in this model decides which: give "
            f'reads="symbols" or reads="numbers" {READS_OPTION}, or name a task.'
        )
    return _is_whole(array)


def _tokens(array: np.ndarray, reading: Reading) -> Int[np.ndarray, "time"]:
    n_symbols = reading.n_features
    last = f"to {n_symbols - 1}" if n_symbols is not None else "on"
    if not _is_whole(array):
        raise TaskError(f"A sequence should be whole numbers from 0 {last}, got {array.flat[0].item()!r} in it.")
    wrong = array[(array < 0) | (array >= (2**31 if n_symbols is None else n_symbols))]
    if wrong.size:
        raise TaskError(f"Symbols go from 0 {last} for this model, and the sequence holds {wrong[0]}.")
    return array.astype(np.int32)


def _vectors(array: np.ndarray, reading: Reading) -> Num[np.ndarray, "time features"]:
    if not reading.vectors or array.shape[1] != reading.n_features:
        raise TaskError(f"This model does not take {_form(array)} as a sequence: {_shapes(reading)}.")
    if reading.kind in ("symbols", "one-hot") and not _is_one_hot(array):
        raise TaskError(
            "A step of a one-hot sequence should hold a single 1, and zeros elsewhere, and one of these does not: give "
            f'reads="numbers" {READS_OPTION} where these are numbers.'
        )
    return _floats(array)


def _floats(array: np.ndarray) -> Num[np.ndarray, "time *features"]:
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise TaskError("A sequence should hold numbers that 32 bits can hold, up to about 3e38, and this does not.")
    return numbers


def _is_one_hot(array: np.ndarray) -> bool:
    return bool(((array == 0) | (array == 1)).all() and ((array == 1).sum(-1) == 1).all())


def _form(thing: Any) -> str:
    shape = getattr(thing, "shape", None)
    return f"lists nested {_depth(thing)} deep" if shape is None else f"an array of shape {tuple(shape)}"


def _shapes(reading: Reading) -> str:
    """Return what to give in place of a shape that does not fit."""
    if not reading.vectors:
        return "give one sequence the shape (time,), and many (samples, time)"
    symbols = "symbols as whole numbers (time,) or (samples, time), and " if reading.kind in (None, "symbols") else ""
    if reading.n_features == 1:
        return f"give {symbols}one sequence of numbers the shape (time,), and many (samples, time, 1)"
    n = reading.n_features
    return f"give {symbols}one sequence of vectors the shape (time, {n}), and many (samples, time, {n})"
