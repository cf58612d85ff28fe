"""`train`, for one seed or for several together, and the positions that a training passes."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

from memoryspan.accuracy import Accuracy
from memoryspan.backend import keras
from memoryspan.engine import engine_of, forward
from memoryspan.errors import InsufficientMemoryError, TaskError
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.interrupt import defer_sigint, immediate_sigint
from memoryspan.spec import call
from memoryspan.tasks import Task
from memoryspan.training.callbacks import CallbackRunner
from memoryspan.training.loop import chunks, judge
from memoryspan.training.notebook import live_view
from memoryspan.training.position import TrainSnapshot, evaluation_key
from memoryspan.training.proof import Proof, twice
from memoryspan.training.result import HistoryRow, Result, Status
from memoryspan.training.settings import EXAMPLES, TrainConfig
from memoryspan.training.state import restore
from memoryspan.training.trainable import notes


def train(
    model: keras.Model,
    task: Task,
    *,
    on_chunk: Callable[[TrainSnapshot], None] = lambda position: None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **settings,
) -> Result:
    """Trains a compiled Keras model on a task, from the weights that it has; afterwards they are in the model.

    The model's own optimizer and loss train it. Ctrl-C ends the training and keeps what was learned. In a notebook
    it shows how far it is.

    Args:
        model: any compiled Keras model whose input and output fit the task.
        task: what to learn, at its full length.
        on_position: called after every chunk of updates.
        callbacks: Keras callbacks, to which a chunk of updates is an epoch; the page "Callbacks and trackers" tells
            which.
        settings: the fields of `TrainConfig`: seed, batch_size, budget, curriculum, threshold.

    Raises:
        ModelError: the model is not compiled, or does not fit the task.
        TaskError: there is no such setting, or it makes no sense, or a callback would not do here what it says.
    """
    position, history = None, []
    training = positions(model, task, _settings("train", settings), callbacks=callbacks)
    with live_view(task) as show, defer_sigint() as pressed, suppress(KeyboardInterrupt), closing(training):
        for position in training:
            history.append(position.row)
            show(position)
            on_chunk(position)
            if pressed():
                break
    if position is not None:
        restore(model, position.state)
    return _result(position, history, model, task)


def train_seeds(
    models: Sequence[keras.Model],
    task: Task,
    *,
    seeds: Sequence[int],
    on_chunk: Callable[[tuple[TrainSnapshot, ...]], None] = lambda positions: None,
    **settings,
) -> list[Result]:
    """`train` for several seeds at once, in one compiled program: models that differ in nothing but their weights.

    Each ends as it would alone, up to rounding: products of several matrices at once may add in another order.

    Args:
        models: one for each seed, made by the same builder.
        task: as for `train`.
        seeds: one for each model.
        on_positions: called after every chunk of updates, with where each seed stands.
        settings: the other fields of `TrainConfig`.

    Raises:
        ModelError: a model is not compiled, does not fit the task, or is not made like the others.
        TaskError: there is no such setting, or it makes no sense.
    """
    if len(models) != len(seeds):
        raise TaskError(f"Each seed needs a model of its own: there are {len(models)} models and {len(seeds)} seeds.")
    if "seed" in settings:
        raise TaskError("train_together has seeds, one for each model: leave seed.")
    each = [replace(_settings("train_together", settings), seed=seed) for seed in seeds]
    now, histories = None, [[] for _ in seeds]
    with defer_sigint() as pressed, suppress(KeyboardInterrupt):
        for now in chunks(models, task, each, twice(task, make_accuracy_fn(forward(models[0]), task))):
            for history, position in zip(histories, now, strict=True):
                history.append(position.row)
            on_chunk(now)
            if pressed():
                break
    if now is not None:
        for model, position in zip(models, now, strict=True):
            restore(model, position.state)
    ends = now or [None] * len(seeds)
    return [_result(position, history, models[0], task) for position, history in zip(ends, histories, strict=True)]


def _settings(name: str, given: dict[str, Any]) -> TrainConfig:
    """Raises `TaskError` where there is no such setting, or it makes no sense."""
    if "epochs" in given:
        raise TaskError(
            f"{name} has no setting epochs, for every example is new: say with budget=Budget(examples=10_000) how "
            f"many it may see."
        )
    return call(TrainConfig, name, given)


def _result(position: TrainSnapshot | None, history: list[HistoryRow], model: keras.Model, task: Task) -> Result:
    rows, path = tuple(dict.fromkeys(history)), engine_of(model, training=True)
    status = (position and position.status) or Status.INTERRUPTED
    return Result(status, position and position.accuracy, rows, path, notes(model, task, status))


def positions(
    model: keras.Model,
    task: Task,
    settings: TrainConfig,
    start: TrainSnapshot | None = None,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    epoch: int = 0,
) -> Generator[TrainSnapshot, None, None]:
    """The training, chunk by chunk, from `start` or from the model as it is; only the last position has a status.

    Without callbacks the model does not change on the way: `restore(model, position.state)` puts the weights in.
    `epoch` is the number by which the first chunk is called. Raises as `train` does.
    """
    measure = make_accuracy_fn(forward(model), task)
    hooks = CallbackRunner(model, callbacks, epoch)
    proof = twice(task, measure)
    try:
        for (judged,) in chunks([model], task, [settings], proof, [start] if start else None, hooks.before):
            position = hooks.after(judged)
            if position.status is Status.SOLVED and position is not judged:
                position = _judged_again(position, task, settings, proof)
            if position.status in (Status.BUDGET, Status.NOT_FINITE, Status.STOPPED):
                with immediate_sigint():
                    position = replace(position, accuracy=_full_accuracy(task, settings, position, measure))
            yield position
            if position.status is not None:
                return
    except (GeneratorExit, KeyboardInterrupt):  # Ctrl-C is an end like others
        hooks.end()
        raise


def _judged_again(position: TrainSnapshot, task: Task, settings: TrainConfig, proof: Proof) -> TrainSnapshot:
    """A callback may have put other weights into a model that had solved its task."""
    again = judge(replace(position, status=None, accuracy=None), task, settings, proof)
    return again if again.status is not None else replace(again, status=Status.STOPPED)


def _full_accuracy(
    task: Task, settings: TrainConfig, position: TrainSnapshot, measure: Callable[..., Accuracy]
) -> Accuracy | None:
    """At the full length, or None where that does not fit into memory."""
    key = evaluation_key(settings.seed, position.row)
    try:
        return measure(position.state.variables, key, EXAMPLES, task.length)
    except InsufficientMemoryError:
        return None
