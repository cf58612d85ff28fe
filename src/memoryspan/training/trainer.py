"""`train`, for one seed or for several together, and the chunks of which a training consists."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from memoryspan.accuracy import Accuracy
from memoryspan.backend import keras
from memoryspan.engine import engine_of, forward
from memoryspan.errors import TaskError
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.interrupt import defer_signals
from memoryspan.notebook import live_view
from memoryspan.spec import call
from memoryspan.tasks import Task
from memoryspan.training.callbacks import CallbackRunner
from memoryspan.training.compile import TrainStep, compile_train_step
from memoryspan.training.config import TrainConfig
from memoryspan.training.loop import train_loop
from memoryspan.training.result import HistoryRow, Result, Status
from memoryspan.training.snapshot import TrainSnapshot
from memoryspan.training.state import restore
from memoryspan.training.stopping import check_stop, full_accuracy, reaches_threshold
from memoryspan.training.trainable import notes
from memoryspan.validate import checked, function, shown


@checked
def train(
    model: keras.Model,
    task: Task,
    *,
    on_chunk: Callable[[TrainSnapshot], None] = lambda snapshot: None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **settings,
) -> Result:
    """Train a compiled Keras model on a task, from the weights that it has; afterwards they are in the model.

    The model's own optimizer and loss train it. Ctrl-C ends the training and keeps what was learned. In a notebook
    its progress is displayed.

    Args:
        model: any compiled Keras model whose input and output fit the task.
        task: what to learn, at its full length.
        on_chunk: called after every chunk of updates.
        callbacks: Keras callbacks, to which a chunk of updates is an epoch; the page "Callbacks and trackers" lists
            those that work.
        settings: the fields of `TrainConfig`: seed, batch_size, budget, schedule, threshold.

    Raises:
        ModelError: the model is not compiled, or does not fit the task.
        TaskError: there is no such setting, or it makes no sense, or a callback would not do here what it promises.
    """
    function("on_chunk", on_chunk)
    snapshot, history = None, []
    config = _config("train", settings)
    with live_view(task) as show:
        with (
            defer_signals() as pressed,
            suppress(KeyboardInterrupt),
            closing(train_chunks(model, task, config, callbacks=callbacks, pressed=pressed)) as training,
        ):
            for snapshot in training:
                history.append(snapshot.row)
                show(history)
                on_chunk(snapshot)
                if pressed():
                    break
        if snapshot is not None:
            restore(model, snapshot.state)
        result = _result(snapshot, history, model, task)
        show(history, result.status.message)
    return result


@checked
def train_seeds(
    models: Sequence[keras.Model],
    task: Task,
    *,
    seeds: Sequence[int],
    on_chunk: Callable[[tuple[TrainSnapshot, ...]], None] = lambda snapshots: None,
    **settings,
) -> list[Result]:
    """Train several seeds at once, in one compiled program, with models that differ in nothing but their weights.

    Each ends as with `train` alone, up to rounding: products of several matrices at once may add in another order.

    Args:
        models: one for each seed, made by the same builder.
        task: as for `train`.
        seeds: one for each model.
        on_chunk: called after every chunk of updates, with a snapshot of each seed.
        settings: the other fields of `TrainConfig`.

    Raises:
        ModelError: a model is not compiled, does not fit the task, or is not made like the others.
        TaskError: there is no such setting, or it makes no sense.
    """
    function("on_chunk", on_chunk)
    if not (isinstance(models, list | tuple) and isinstance(seeds, list | tuple | range) and models):
        raise TaskError(f"models and seeds should be lists, got {shown(models)} and {shown(seeds)}.")
    if len(models) != len(seeds):
        raise TaskError(f"Each seed needs a model of its own: there are {len(models)} models and {len(seeds)} seeds.")
    if "seed" in settings:
        raise TaskError("train_seeds has seeds, one for each model: leave out seed.")
    shared = _config("train_seeds", settings)
    configs = [msgspec.structs.replace(shared, seed=seed) for seed in seeds]
    now, histories = None, [[] for _ in seeds]
    with defer_signals() as pressed, suppress(KeyboardInterrupt):
        solved = reaches_threshold(task, _interruptible(make_accuracy_fn(forward(models[0]), task), pressed))
        for now in train_loop(models, task, configs, solved):
            for history, snapshot in zip(histories, now, strict=True):
                history.append(snapshot.row)
            on_chunk(now)
            if pressed():
                break
    if now is not None:
        for model, snapshot in zip(models, now, strict=True):
            restore(model, snapshot.state)
    ends = now or [None] * len(seeds)
    return [_result(snapshot, history, models[0], task) for snapshot, history in zip(ends, histories, strict=True)]


def _config(name: str, given: dict[str, Any]) -> TrainConfig:
    if "epochs" in given:
        raise TaskError(
            f"{name} has no setting epochs, because every example is new: limit their number with "
            f"budget=Budget(examples=10_000)."
        )
    return call(TrainConfig, name, given)


def _result(snapshot: TrainSnapshot | None, history: list[HistoryRow], model: keras.Model, task: Task) -> Result:
    rows, engine = tuple(dict.fromkeys(history)), engine_of(model, training=True)
    status = (snapshot and snapshot.status) or Status.INTERRUPTED
    return Result(status, snapshot and snapshot.accuracy, rows, engine, notes(model, task, status))


def _interruptible(accuracy_fn: Callable[..., Accuracy], pressed: Callable[[], bool]) -> Callable[..., Accuracy]:
    """Return a function that raises `KeyboardInterrupt` between two batches of examples once Ctrl-C was pressed."""

    def check(done: int, total: int) -> None:
        if pressed():
            raise KeyboardInterrupt

    return partial(accuracy_fn, progress=check)


def train_chunks(
    model: keras.Model,
    task: Task,
    config: TrainConfig,
    start: TrainSnapshot | None = None,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    epoch: int = 0,
    pressed: Callable[[], bool] = lambda: False,
    compile_step: Callable[..., TrainStep] = compile_train_step,
) -> Generator[TrainSnapshot, None, None]:
    """Train chunk by chunk, from `start` or from the model as it is; only the last snapshot has a status.

    Without callbacks the model does not change on the way: `restore(model, snapshot.state)` puts the weights in.
    `epoch` is the number of the first chunk. Once `pressed` returns True, evaluations raise `KeyboardInterrupt`.
    Otherwise raises as `train` does.
    """
    accuracy_fn = _interruptible(make_accuracy_fn(forward(model), task), pressed)
    runner = CallbackRunner(model, callbacks, epoch)
    solved = reaches_threshold(task, accuracy_fn)
    starts = [start] if start else None
    try:
        for (reached,) in train_loop([model], task, [config], solved, starts, runner.before, compile_step):
            snapshot = runner.after(reached)
            if snapshot.status is Status.SOLVED and snapshot is not reached:  # a callback may have put in other weights
                again = check_stop(replace(snapshot, status=None, accuracy=None), task, config, solved)
                snapshot = again if again.status is not None else replace(again, status=Status.STOPPED)
            if snapshot.status in (Status.BUDGET, Status.NOT_FINITE, Status.STOPPED):
                snapshot = replace(snapshot, accuracy=full_accuracy(snapshot, task, config, accuracy_fn))
            yield snapshot
            if snapshot.status is not None:
                return
    except (GeneratorExit, KeyboardInterrupt):  # Ctrl-C is an end like others
        runner.end()
        raise
