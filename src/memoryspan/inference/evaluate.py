"""The accuracy of a model on a task: on fresh examples, with an interval, against chance."""

from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from memoryspan import machine
from memoryspan.accuracy import Accuracy
from memoryspan.backend import keras
from memoryspan.engine import Forward, Variables, engine_of, forward, variables_of
from memoryspan.engine.finite import origin
from memoryspan.engine.shapes import answer_shape, input_shape, output_shape
from memoryspan.errors import InsufficientMemoryError, ModelError
from memoryspan.inference.reading import n_symbols_of
from memoryspan.sampling import Stream, stream
from memoryspan.tasks import TASKS, Batch, Task, require_task
from memoryspan.tasks.base import at_length
from memoryspan.tasks.faults import require_sound
from memoryspan.validate import checked, function, seed_number, whole_number

MAX_ROWS = 250
"""Examples that go through a model at a time, at most."""

MAX_TOKENS = 2**22
"""Time steps, of all rows and features together, that go through a model at a time, at most: an evaluation that stops
early has cost no more than these."""

MIN_UNROLL_ROWS = 32
"""Rows that `unroll` evaluates at a time, at least, because each of its steps has a fixed cost."""

MAX_UNROLL_TOKENS = 2**28
"""Time steps up to which `unroll` gets `MIN_UNROLL_ROWS`: 32 rows of eight million, which take 4 to 8 GiB."""

EVALUATED_TOKEN = 32
"""Bytes that a time step takes in evaluation: random bits, tokens, and the copies between."""


def correct(task: Task, predictions: Float[Array, "batch ..."], batch: Batch) -> Bool[Array, "batch"]:
    """Return which examples are correct: those whose targets are all predicted correctly, by finite numbers."""
    is_correct = (task.correct(predictions, batch.targets) & _is_number(predictions)) | ~batch.target_mask
    return is_correct.reshape(is_correct.shape[0], -1).all(axis=1)


def _is_number(predictions: Float[Array, "batch *steps outputs"]) -> Bool[Array, "batch *steps"]:
    return jnp.isfinite(predictions).all(axis=-1)


@checked
def evaluate(
    model: keras.Model,
    task: Task,
    *,
    examples: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Accuracy:
    """Return the accuracy of any Keras model, as it is now, on fresh examples of exactly `task.length` steps.

    `progress(done, total)` is called before the first batch of examples, and after each.

    Raises:
        ModelError: the model does not fit the task, or an answer is not a finite number.
        InsufficientMemoryError: a sequence does not fit into memory.
        TaskError: `examples` or `seed` is not a whole number in its range.
    """
    function("progress", progress)
    whole_number("examples", examples, at_least=1, instead="1000, for example")
    seed_number(seed)
    check_compatible(model, task)
    fwd, key = forward(model), stream(seed, Stream.EVALUATION)
    accuracy, not_finite = _make_counter(fwd, task)(variables_of(model), key, examples, task.length, progress=progress)
    if not_finite:
        inputs = task.sample(key, 1, task.length).inputs
        raise ModelError(
            f"{not_finite:,} of {accuracy.examples:,} answers of the model {model.name!r} are infinite or not a "
            f"number, {origin(model, inputs)}."
        )
    return accuracy


def make_accuracy_fn(fwd: Forward, task: Task) -> Callable[..., Accuracy]:
    """Return `evaluate` for many calls on one model, at any lengths up to `task.length`; each width is compiled once.

    Returns:
        accuracy_fn(variables, key, examples, length, required_correct=…, progress=…). It stops early once
        `required_correct` correct examples are out of reach. An answer that is not a finite number is wrong.

    Raises, when called:
        InsufficientMemoryError: one example does not fit into memory.
        ModelError: the model does not take sequences of this length.
    """
    count = _make_counter(fwd, task)
    return lambda *args, **kwargs: count(*args, **kwargs)[0]


def _make_counter(fwd: Forward, task: Task) -> Callable[..., tuple[Accuracy, int]]:
    """Return what `make_accuracy_fn` does, with the number of examples whose predictions are not all finite."""
    programs = {}

    def count(
        variables: Variables,
        key: Array,
        examples: int,
        length: int,
        required_correct: int = 0,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> tuple[Accuracy, int]:
        if not fwd.takes(length):
            raise ModelError(f"The model does not take sequences of {length:,} steps: use another length.")
        width = fwd.width(length, task.length)
        if width not in programs:
            programs[width] = compile_rows(_which_correct, fwd, at_length(task, width), variables, key)
        rows, which_correct = programs[width]
        done = n_correct = not_finite = 0
        progress(done, examples)
        while done < examples and n_correct + examples - done >= required_correct:
            is_correct, finite = which_correct(variables, jax.random.fold_in(key, done), jnp.int32(length))
            new = min(rows, examples - done)
            done, n_correct = done + new, n_correct + int(is_correct[:new].sum())
            not_finite += new - int(finite[:new].sum())
            progress(done, examples)
        return Accuracy(n_correct, done, length, at_length(task, length).chance), not_finite

    return count


def compile_rows(
    function: Callable, fwd: Forward, task: Task, variables: Variables, key: Array
) -> tuple[int, Callable]:
    """Return how many examples fit at a time, and `function(fwd, task, examples, variables, key, length)` for those.

    Raises `InsufficientMemoryError` where one example does not fit into memory.
    """
    width, rows = _numbers_per_step(fwd, task), max_rows(fwd, task)
    what = f"Measuring sequences of {task.length:,} steps"
    while True:
        try:
            machine.require_memory(EVALUATED_TOKEN * rows * task.length * width, what)  # before XLA makes its constants
            program = jax.jit(partial(function, fwd, task, rows)).lower(variables, key, jnp.int32(0)).compile()
            machine.require_memory(machine.temporary(program), what)
            return rows, program
        except InsufficientMemoryError:
            if rows == 1:
                raise
            rows //= 2


def max_rows(fwd: Forward, task: Task) -> int:
    """Return how many examples of `task.length` steps go through a model at a time, if the memory suffices.

    It decides which examples are drawn: each group of them has a key of its own.
    """
    rows = max(1, min(MAX_ROWS, MAX_TOKENS // (task.length * _numbers_per_step(fwd, task))))
    return max(rows, min(MIN_UNROLL_ROWS, MAX_UNROLL_TOKENS // task.length)) if fwd.engine == "unroll" else rows


def _numbers_per_step(fwd: Forward, task: Task) -> int:
    return task.n_features if fwd.engine == "keras" else 1


def _which_correct(
    fwd: Forward, task: Task, rows: int, variables: Variables, key: Array, length: Int[Array, ""]
) -> tuple[Bool[Array, "rows"], Bool[Array, "rows"]]:
    """Return which examples are correct, and of which all predictions are finite."""
    batch = task.sample(key, rows, length)
    predictions = fwd.apply(variables, batch.inputs, batch.lengths).predictions
    finite = (_is_number(predictions) | ~batch.target_mask).reshape(rows, -1).all(axis=1)
    return correct(task, predictions, batch), finite


def check_compatible(model: keras.Model, task: Task) -> None:
    """Raise `ModelError` where the model cannot take the task's input, or give its output."""
    require_task(task)
    if TASKS.get(task.name) is not type(task):  # tests cover the package's own
        _require_sound(task)
    _, steps, *features = input_shape(model)
    reads = f"{features[0]} features" if features else "symbols"
    if features and features[0] != task.n_features:
        settable = "n_features" in {field.name for field in fields(task)}  # of some tasks it follows from others
        instead = f"give the task n_features={features[0]}, or " if settable else ""
        raise ModelError(
            f"The model takes inputs of {reads}, and the task {task.name} makes {task.n_features}: {instead}build a "
            f"model for {task.n_features}."
        )
    if steps is not None and task.length > steps:
        raise ModelError(
            f"The model takes {steps} time steps, and the task has {task.length}: use a length of at most "
            f"{steps}, or build the model with Input((None, {task.n_features})), for any length."
        )
    known = None if features else n_symbols_of(model)
    if known is not None and known < task.n_features:
        raise ModelError(
            f"The Embedding of the model {model.name!r} knows {known} symbols, and the task {task.name} makes "
            f"{task.n_features}: build it as Embedding({task.n_features}, …)."
        )
    expected = (task.n_outputs,) if not task.return_sequences else (None, task.n_outputs)
    found = output_shape(model)[1:]
    if len(found) != len(expected) or found[-1] != expected[-1]:
        shape = ", ".join(["batch", *(["time"] if len(expected) == 2 else []), str(task.n_outputs)])
        instead = f": build a model whose last layer has {task.n_outputs} units"
        if sorted((len(found), len(expected))) == [1, 2] and found[-1] == expected[-1]:
            instead = f": its last recurrent layer should have return_sequences={len(expected) == 2}"
        elif len(found) < len(expected):
            instead = ": keep the last axis, which has the outputs"
        raise ModelError(
            f"The model gives {('batch', *found)}, and the task {task.name} has targets for ({shape}){instead}."
        )
    if engine_of(model) == "keras":
        _require_length(model, task)


@lru_cache(maxsize=64)
def _require_sound(task: Task) -> None:
    """Raise `TaskError` where the task has a fault; checked once a task, because that compiles."""
    require_sound(task)


def _require_length(model: keras.Model, task: Task) -> None:
    """Raise `ModelError` where the model does not take the task's length, or has another number of steps."""
    fwd, length = forward(model), task.length
    if not fwd.takes(length):
        answer_shape(model, length)  # raises, except for a length that padding would make up
    found = answer_shape(model, (fwd.ragged and fwd.fixed_length) or length)
    if len(found) == 2 and found[0] != ((fwd.ragged and fwd.fixed_length) or length):
        raise ModelError(
            f"The model {model.name!r} gives {found[0]} outputs for a sequence of {length} steps, and the task "
            f"{task.name} has a target at every step: build a model with an output at each of its steps."
        )
