"""Training with everything kept: start, carry on, resume.

    run = start(lstm(Echo(), seed=0), Echo())
    result = carry_on(run)

The training itself is `training.train_chunks`, a pure function of where it stands. What is kept on the way is enough
for it to go on after any end, a killed process included, to the same bits.
"""

import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from filelock import BaseFileLock

from memoryspan.backend import keras
from memoryspan.environment import difference, environment
from memoryspan.errors import ModelError, RunError
from memoryspan.files import atomic
from memoryspan.files.lock import lock
from memoryspan.files.versioned import plain
from memoryspan.interrupt import defer_sigint
from memoryspan.runs import checkpoint, history_file, record, weight_snapshots
from memoryspan.runs.describe import finish_record, new_record
from memoryspan.runs.directory import create_run_dir, require_empty
from memoryspan.runs.model_file import is_all_keras, load_model, save_model
from memoryspan.runs.record import Record
from memoryspan.runs.saved import open_run
from memoryspan.runs.weight_snapshots import Snapshots
from memoryspan.spec import Spec
from memoryspan.tasks import Task, spec_of
from memoryspan.training import Budget, HistoryRow, Result, Status, TrainConfig, TrainSnapshot, restore, train_chunks
from memoryspan.training.snapshot import initial_snapshot
from memoryspan.training.state import initial_state
from memoryspan.training.trainable import notes, trainable

CHECKPOINT_SECONDS = 2.0
"""What a killed process loses at most …"""

CHECKPOINT_SHARE = 0.1
"""… unless checkpoints are so large that they would take more than this share of the time."""


@dataclass(frozen=True)
class Run:
    """A run whose lock this process holds: `carry_on` trains it."""

    directory: Path
    record: Record
    task: Task
    model: keras.Model
    settings: TrainConfig
    snapshot: TrainSnapshot
    """Where it stands."""
    notices: tuple[str, ...]
    """Sentences for the person, about what was found on opening it."""
    lock: BaseFileLock

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to train, and nothing left to write."""
        return self.snapshot.status is not None and self.record.status == self.snapshot.status


def start(
    model: keras.Model,
    task: Task,
    settings: TrainConfig = TrainConfig(),  # noqa: B008  (frozen)
    *,
    directory: str | Path | None = None,
    made_by: Spec | None = None,
) -> Run:
    """Begins a run with a compiled model as it is; before the first update, all that it needs is on the disk.

    Args:
        model: as `train` takes it.
        task: one of the package's.
        settings: how to train.
        directory: where to keep it, new or empty; by default a fresh one, `runs/echo-lstm-50-001`.
        made_by: the builder and its settings that made the model, for the record; by default the model's own name.

    Raises:
        ModelError: the model is not compiled, or does not fit the task.
        RunError: the directory is not empty, is in use, or cannot be written to.
    """
    fwd = trainable([model], task, settings.batch_size)
    made_by = made_by or Spec(model.name)
    place = create_run_dir(Path(directory) if directory else None, f"{task.name}-{made_by.name}-{task.length}")
    snapshot = initial_snapshot(model, fwd, task, settings)
    instead = "Make room there, or give another --run."
    with atomic.as_run_error(place, instead):
        held = lock(place)
    try:
        require_empty(place)
    except RunError:  # another process was quicker
        held.release()
        raise
    try:
        with atomic.as_run_error(place, instead):
            first = new_record(model, fwd, task, settings, made_by)
            notices = (*notes(model, task), *_write_first(place, model, snapshot, first))
    except BaseException:  # what is half made is worth nothing, and would be in the way
        shutil.rmtree(place, ignore_errors=True)
        held.release()
        raise
    return Run(place, first, task, model, settings, snapshot, notices, held)


def resume(directory: str | Path, *, budget: Budget | None = None, kind: Callable[..., Task] | None = None) -> Run:
    """Opens a run where it stopped, to carry on; with a larger budget, also one whose budget was spent.

    `kind` is the class of its task, where that is not one of the package's.

    Raises:
        ModelError: the model's file cannot be opened, or its loss, optimizer or schedule is not found.
        RunError: there is no such run, it is damaged or in use, or the new budget is spent already.
    """
    place = open_run(directory, kind).directory
    with atomic.as_run_error(
        place, "To carry on a run you have to be able to write in it: copy it, and resume the copy."
    ):
        held = lock(place)
        try:
            return _reopen(place, budget, kind, held)
        except BaseException:
            held.release()
            raise


def carry_on(
    run: Run,
    *,
    on_chunk: Callable[[TrainSnapshot], None] = lambda snapshot: None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    every: float = CHECKPOINT_SECONDS,
) -> Result:
    """Trains a run to its end, and keeps everything on the way; afterwards its lock is free.

    Ctrl-C ends it after the chunk, a second one at once; what was learned is kept. One more, while that is being
    written, breaks it off: then the last checkpoint holds.

    Args:
        run: from `start` or `resume`, and only once.
        on_chunk: called after every chunk of updates.
        callbacks: as `train` takes them. A run does not keep them: to one that is resumed they are given anew.
        every: seconds between checkpoints.

    Raises:
        RunError: the disk is full, or does not take what is written; the last checkpoint holds.
        TaskError: a callback would not do here what it says.
    """
    if not run.lock.is_locked:
        raise RunError(f"This run has been carried on already: open it again with resume({str(run.directory)!r}).")
    try:
        with defer_sigint() as pressed:
            return _train(run, on_chunk, callbacks, every, pressed)
    finally:
        run.lock.release()


def _train(
    run: Run,
    on_chunk: Callable[[TrainSnapshot], None],
    callbacks: Sequence[keras.callbacks.Callback],
    every: float,
    pressed: Callable[[], bool],
) -> Result:
    snapshot, rows = run.snapshot, list(history_file.history(run.directory))
    if run.ended:
        return Result(Status(run.record.status), snapshot.accuracy, tuple(rows), run.record.resolved.engine)
    seen = _seen(weight_snapshots.load(run.directory), snapshot)
    due = time.monotonic() + every
    training = train_chunks(run.model, run.task, run.settings, run.snapshot, callbacks=callbacks, epoch=len(rows))
    try:
        with closing(training):
            for snapshot in training:
                rows.append(snapshot.row)
                seen = _seen(seen, snapshot)
                due = _keep(run, snapshot, seen, due, every)
                on_chunk(snapshot)
                if pressed():
                    break
        return _finish(run, snapshot, seen, rows)
    except KeyboardInterrupt:
        return _finish(run, snapshot, seen, rows)


def _seen(before: Snapshots, snapshot: TrainSnapshot) -> Snapshots:
    return weight_snapshots.with_moment(before, snapshot.row.updates, snapshot.state.variables)


def _keep(run: Run, snapshot: TrainSnapshot, seen: Snapshots, due: float, every: float) -> float:
    """Adds the row to the history, makes a checkpoint if one is due, and says when the next one is."""
    with _written(run):
        history_file.append(run.directory, snapshot.row)
        began = time.monotonic()
        if began < due:
            return due
        atomic.sync(run.directory / history_file.FILE)  # a checkpoint never knows more than the history
        weight_snapshots.save(run.directory, seen)
        checkpoint.save(run.directory, snapshot)
    took = time.monotonic() - began
    return began + took + max(every, took / CHECKPOINT_SHARE)


def _finish(run: Run, snapshot: TrainSnapshot, seen: Snapshots, rows: list[HistoryRow]) -> Result:
    """Writes the end of it, or, where it has no status yet, the interruption."""
    rows = [row for row in rows if row.updates < snapshot.row.updates]
    if snapshot.row.updates:  # Ctrl-C may have come before its row was added
        rows.append(snapshot.row)
    status = snapshot.status or Status.INTERRUPTED
    restore(run.model, snapshot.state)
    with _written(run):
        history_file.rewrite(run.directory, rows)
        weight_snapshots.save(run.directory, seen)
        checkpoint.save(run.directory, snapshot)
        save_model(run.model, run.directory)
        record.write(run.directory, finish_record(run.record, status, snapshot))
    found = notes(run.model, run.task, status)
    return Result(status, snapshot.accuracy, tuple(rows), run.record.resolved.engine, found)


def _written(run: Run):
    return atomic.as_run_error(
        run.directory,
        f"The last checkpoint holds: make room, then go on with --resume {shlex.quote(str(run.directory))}.",
    )


def _write_first(place: Path, model: keras.Model, snapshot: TrainSnapshot, first: Record) -> tuple[str, ...]:
    """All that `resume` needs; the record last, for with it the run is there. Tells where `resume` will not do."""
    checkpoint.save(place, snapshot)
    history_file.rewrite(place, ())
    save_model(model, place)
    record.write(place, first)
    try:
        if not is_all_keras(model):  # else it opens, and to try that takes a second of compiling initializers
            load_model(place, for_training=True)
    except ModelError as error:
        return (f"This run could not be resumed. {error}",)
    return ()


def _reopen(place: Path, budget: Budget | None, kind: Callable[..., Task] | None, held: BaseFileLock) -> Run:
    saved = open_run(place, kind)  # again, now that nobody else writes
    atomic.clean(place)
    task, settings, model = saved.task, saved.settings, load_model(place, for_training=True)
    _require_same_file(saved.record.config.task, task, place)
    snapshot, notices = checkpoint.load(place, initial_state(model, settings.curriculum, task))
    checkpoint.forget_after(place, snapshot.row.updates)
    _put_rows_aside(place, snapshot)
    notices += _put_snapshots_aside(place, snapshot)
    if budget is not None:
        _require_larger(budget, snapshot, place)
        settings = replace(settings, budget=budget)
    if snapshot.status in (Status.BUDGET, Status.STOPPED) and not _is_spent(settings.budget, snapshot):
        snapshot = replace(snapshot, status=None, accuracy=None)
    record_now = _going_on(saved.record, settings, snapshot)
    if record_now != saved.record:
        record.write(place, record_now)
    notices += _remarks(record_now, snapshot)
    return Run(place, record_now, task, model, settings, snapshot, tuple(notices), held)


def _require_same_file(named: Spec, task: Task, place: Path) -> None:
    now = spec_of(task).sha256
    if None not in (named.sha256, now) and named.sha256 != now:
        raise RunError(
            f"{named.name} is not the file any more with which the run in {place} was begun: give that one, or begin "
            f"anew with another --run."
        )


def _put_rows_aside(place: Path, snapshot: TrainSnapshot) -> None:
    """Ends the history where the snapshot stands, torn line or not: what came after it will come again."""
    rows = history_file.history(place)
    history_file.rewrite(place, (row for row in rows if row.updates <= snapshot.row.updates))


def _put_snapshots_aside(place: Path, snapshot: TrainSnapshot) -> list[str]:
    """The same for the snapshots; where they are damaged, the training goes on without them."""
    try:
        weight_snapshots.save(place, weight_snapshots.load(place, until=snapshot.row.updates))
    except RunError as error:
        (place / weight_snapshots.FILE).unlink()
        return [f"{error} That was done: the training itself needs none of it."]
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


def _going_on(saved: Record, settings: TrainConfig, snapshot: TrainSnapshot) -> Record:
    """The record of a run that is taken up again, or as it was where it has ended."""
    if saved.status == snapshot.status:
        return saved
    config = msgspec.structs.replace(saved.config, training=plain(settings))
    return msgspec.structs.replace(saved, config=config, status=record.UNFINISHED, results=None)


def _remarks(now: Record, snapshot: TrainSnapshot) -> list[str]:
    """What the person should know before it goes on."""
    if snapshot.status is Status.BUDGET:
        return ["Its budget is spent, and nothing is left to train: give it a larger one with --budget."]
    if snapshot.status is not None:
        return [f"It ended before, and nothing is left to train. {snapshot.status.message}"]
    changed = difference(now.environment, environment())
    return [f"It goes on elsewhere ({changed}): the last bits of its results may differ."] if changed else []
