"""`train`, for one seed or for several together, and the positions that a training passes."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

from memoryspan.accuracy import Accuracy
from memoryspan.backend import keras
from memoryspan.engine import forward, path_of
from memoryspan.errors import NoRoomError, TaskError
from memoryspan.inference.evaluate import evaluator
from memoryspan.interrupt import ctrl_c_at_once, first_ctrl_c
from memoryspan.spec import call
from memoryspan.tasks import Task
from memoryspan.training.callbacks import Hooks
from memoryspan.training.loop import chunks, judge
from memoryspan.training.notebook import live_view
from memoryspan.training.position import Position, evaluation_key
from memoryspan.training.proof import Proof, twice
from memoryspan.training.result import Result, Row, Status
from memoryspan.training.settings import EXAMPLES, Settings
from memoryspan.training.state import restore
from memoryspan.training.trainable import notes


def train(
    model: keras.Model,
    task: Task,
    *,
    on_position: Callable[[Position], None] = lambda position: None,
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
        settings: the fields of `Settings`: seed, batch_size, budget, curriculum, threshold.

    Raises:
        ModelError: the model is not compiled, or does not fit the task.
        TaskError: there is no such setting, or it makes no sense, or a callback would not do here what it says.
    """
    position, history = None, []
    training = positions(model, task, _settings("train", settings), callbacks=callbacks)
    with live_view(task) as show, first_ctrl_c() as pressed, suppress(KeyboardInterrupt), closing(training):
        for position in training:
            history.append(position.row)
            show(position)
            on_position(position)
            if pressed():
                break
    if position is not None:
        restore(model, position.state)
    return _result(position, history, model, task)


def train_together(
    models: Sequence[keras.Model],
    task: Task,
    *,
    seeds: Sequence[int],
    on_positions: Callable[[tuple[Position, ...]], None] = lambda positions: None,
    **settings,
) -> list[Result]:
    """`train` for several seeds at once, in one compiled program: models that differ in nothing but their weights.

    Each ends as it would alone, up to rounding: products of several matrices at once may add in another order.

    Args:
        models: one for each seed, made by the same builder.
        task: as for `train`.
        seeds: one for each model.
        on_positions: called after every chunk of updates, with where each seed stands.
        settings: the other fields of `Settings`.

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
    with first_ctrl_c() as pressed, suppress(KeyboardInterrupt):
        for now in chunks(models, task, each, twice(task, evaluator(forward(models[0]), task))):
            for history, position in zip(histories, now, strict=True):
                history.append(position.row)
            on_positions(now)
            if pressed():
                break
    if now is not None:
        for model, position in zip(models, now, strict=True):
            restore(model, position.state)
    ends = now or [None] * len(seeds)
    return [_result(position, history, models[0], task) for position, history in zip(ends, histories, strict=True)]


def _settings(name: str, given: dict[str, Any]) -> Settings:
    """Raises `TaskError` where there is no such setting, or it makes no sense."""
    if "epochs" in given:
        raise TaskError(
            f"{name} has no setting epochs, for every example is new: say with budget=Budget(examples=10_000) how "
            f"many it may see."
        )
    return call(Settings, name, given)


def _result(position: Position | None, history: list[Row], model: keras.Model, task: Task) -> Result:
    rows, path = tuple(dict.fromkeys(history)), path_of(model, training=True)
    status = (position and position.status) or Status.INTERRUPTED
    return Result(status, position and position.accuracy, rows, path, notes(model, task, status))


def positions(
    model: keras.Model,
    task: Task,
    settings: Settings,
    start: Position | None = None,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    epoch: int = 0,
) -> Generator[Position, None, None]:
    """The training, chunk by chunk, from `start` or from the model as it is; only the last position has a status.

    Without callbacks the model does not change on the way: `restore(model, position.state)` puts the weights in.
    `epoch` is the number by which the first chunk is called. Raises as `train` does.
    """
    measure = evaluator(forward(model), task)
    hooks = Hooks(model, callbacks, epoch)
    proof = twice(task, measure)
    try:
        for (judged,) in chunks([model], task, [settings], proof, [start] if start else None, hooks.before):
            position = hooks.after(judged)
            if position.status is Status.SOLVED and position is not judged:
                position = _judged_again(position, task, settings, proof)
            if position.status in (Status.BUDGET, Status.NOT_FINITE, Status.STOPPED):
                with ctrl_c_at_once():
                    position = replace(position, accuracy=_full_accuracy(task, settings, position, measure))
            yield position
            if position.status is not None:
                return
    except (GeneratorExit, KeyboardInterrupt):  # Ctrl-C is an end like others
        hooks.end()
        raise


def _judged_again(position: Position, task: Task, settings: Settings, proof: Proof) -> Position:
    """A callback may have put other weights into a model that had solved its task."""
    again = judge(replace(position, status=None, accuracy=None), task, settings, proof)
    return again if again.status is not None else replace(again, status=Status.STOPPED)


def _full_accuracy(
    task: Task, settings: Settings, position: Position, measure: Callable[..., Accuracy]
) -> Accuracy | None:
    """At the full length, or None where that does not fit into memory."""
    key = evaluation_key(settings.seed, position.row)
    try:
        return measure(position.state.variables, key, EXAMPLES, task.length)
    except NoRoomError:
        return None
