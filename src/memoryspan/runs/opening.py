"""A run's directory, opened for training: new, or where it stopped."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
from filelock import BaseFileLock

from memoryspan.backend import keras
from memoryspan.environment import difference, environment
from memoryspan.errors import ModelError, RunError
from memoryspan.files import atomic
from memoryspan.files.json import to_builtins
from memoryspan.runs import checkpoint, history_file, record, weight_snapshots
from memoryspan.runs.describe import new_record
from memoryspan.runs.directory import create_run_dir, discard, lock_run, require_empty
from memoryspan.runs.model_file import is_all_keras, load_model, save_model
from memoryspan.runs.record import Record
from memoryspan.runs.saved import SavedRun
from memoryspan.spec import Spec
from memoryspan.tasks import Task, spec_of
from memoryspan.training import Budget, Status, TrainConfig, TrainSnapshot
from memoryspan.training.snapshot import initial_snapshot
from memoryspan.training.state import initial_state
from memoryspan.training.trainable import notes, trainable


class Opened(NamedTuple):
    """The fields of `Run`, in their order."""

    directory: Path
    record: Record
    task: Task
    model: keras.Model
    config: TrainConfig
    snapshot: TrainSnapshot
    notices: tuple[str, ...]
    lock: BaseFileLock


def create(model: keras.Model, task: Task, config: TrainConfig, directory: Path | None, builder: Spec | None) -> Opened:
    """Write the files of a new run, as `Run.create` describes."""
    fwd = trainable([model], task, config.batch_size)
    builder = builder or Spec(model.name)
    place = create_run_dir(directory, f"{task.name}-{builder.name}-{task.length}")
    snapshot = initial_snapshot(model, fwd, task, config)
    instead = "Make room there, or give another --run."
    with atomic.as_run_error(place, instead):
        held = lock_run(place)
    try:
        require_empty(place)
    except RunError:  # another process was quicker
        held.release()
        raise
    try:
        with atomic.as_run_error(place, instead):
            first = new_record(model, fwd, task, config, builder)
            notices = (*notes(model, task), *_write_first(place, model, snapshot, first))
    except BaseException:  # half a run would only block the directory
        discard(place)
        held.release()
        raise
    return Opened(
        directory=place,
        record=first,
        task=task,
        model=model,
        config=config,
        snapshot=snapshot,
        notices=notices,
        lock=held,
    )


def _write_first(place: Path, model: keras.Model, snapshot: TrainSnapshot, first: Record) -> tuple[str, ...]:
    """Write all that `resume` needs, last the record, which makes it a run; return a notice if `resume` will fail."""
    checkpoint.save(place, snapshot)
    history_file.rewrite(place, ())
    save_model(model, place)
    record.write(place, first)
    try:
        if not is_all_keras(model):  # those always open, and a trial would compile initializers for a second
            load_model(place, for_training=True)
    except ModelError as error:
        return (f"This run could not be resumed. {error}",)
    return ()


def reopen(saved: SavedRun, budget: Budget | None, held: BaseFileLock) -> Opened:
    """Take a run, whose lock is held, back to its newest good checkpoint, as `Run.resume` describes."""
    place, task, config = saved.directory, saved.task, saved.config
    atomic.clean(place)
    model = load_model(place, for_training=True)
    _require_same_file(saved.record.config.task, task, place)
    progress = config.schedule.start(task.min_length, task.length)
    snapshot, notices = checkpoint.load(place, initial_state(model, progress))
    checkpoint.forget_after(place, snapshot.row.updates)
    _drop_later_rows(place, snapshot)
    notices += _drop_later_weights(place, snapshot)
    if budget is not None:
        _require_larger(budget, snapshot, place)
        config = msgspec.structs.replace(config, budget=budget)
    if snapshot.status in (Status.BUDGET, Status.STOPPED) and not _is_spent(config.budget, snapshot):
        snapshot = replace(snapshot, status=None, accuracy=None)
    resumed = _resumed(saved.record, config, snapshot)
    if resumed != saved.record:
        record.write(place, resumed)
    notices += _remarks(resumed, snapshot)
    return Opened(
        directory=place,
        record=resumed,
        task=task,
        model=model,
        config=config,
        snapshot=snapshot,
        notices=tuple(notices),
        lock=held,
    )


def _require_same_file(recorded: Spec, task: Task, place: Path) -> None:
    now = spec_of(task).sha256
    if None not in (recorded.sha256, now) and recorded.sha256 != now:
        raise RunError(
            f"{recorded.name} has changed since the run in {place} was created: give the file as it was, or train "
            f"again with another --run."
        )


def _drop_later_rows(place: Path, snapshot: TrainSnapshot) -> None:
    """Remove the rows after the snapshot, which training will add again, and end a torn line of its own row."""
    history_file.rewrite(place, history_file.up_to(history_file.history(place), snapshot.row))


def _drop_later_weights(place: Path, snapshot: TrainSnapshot) -> list[str]:
    """Remove the weights of later moments; where the file is damaged, remove it, and return a notice."""
    try:
        weight_snapshots.save(place, weight_snapshots.load(place, until=snapshot.row.updates))
    except RunError as error:
        if isinstance(error.__cause__, OSError):  # unread is not damaged
            raise
        (place / weight_snapshots.FILE).unlink()
        return [f"{error} That was done: training does not need them."]
    return []


def _is_spent(budget: Budget, snapshot: TrainSnapshot) -> bool:
    return budget.spent(snapshot.row.examples, snapshot.row.tokens, snapshot.row.seconds)


def _require_larger(budget: Budget, snapshot: TrainSnapshot, place: Path) -> None:
    if snapshot.status in (None, Status.BUDGET, Status.STOPPED) and _is_spent(budget, snapshot):
        row = snapshot.row
        raise RunError(
            f"The run in {place} has had {row.examples:,} examples, {row.tokens:,} tokens and {row.seconds:.1f} s "
            f"already, which spends the new budget: give it more than that with --budget."
        )


def _resumed(saved: Record, config: TrainConfig, snapshot: TrainSnapshot) -> Record:
    """Return the record of an unfinished run; that of a run that has ended stays as it is."""
    if saved.status == snapshot.status:
        return saved
    now = msgspec.structs.replace(saved.config, training=to_builtins(config))
    return msgspec.structs.replace(saved, config=now, status=record.UNFINISHED, results=None)


def _remarks(resumed: Record, snapshot: TrainSnapshot) -> list[str]:
    """Return what the user should know before the run continues."""
    if snapshot.status is Status.BUDGET:
        return ["Its budget is spent, and nothing is left to train: give it a larger one with --budget."]
    if snapshot.status is not None:
        return [f"It ended before, and nothing is left to train. {snapshot.status.message}"]
    changed = difference(resumed.environment, environment())
    return [f"It continues elsewhere ({changed}): the last bits of its results may differ."] if changed else []
