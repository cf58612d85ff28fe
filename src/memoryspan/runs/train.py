"""The training of a run: every chunk of updates goes into its files.

The training itself is `training.train_chunks`, a pure function of the snapshot from which it starts. The files are
enough to resume after any end, a killed process included, to the same bits.
"""

import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING

from memoryspan.backend import keras
from memoryspan.files import atomic
from memoryspan.files.pace import Pace
from memoryspan.runs import checkpoint, history_file, record, weight_snapshots
from memoryspan.runs.describe import finish_record
from memoryspan.runs.model_file import save_model
from memoryspan.runs.weight_snapshots import Snapshots
from memoryspan.training import HistoryRow, Result, Status, TrainSnapshot, restore, train_chunks
from memoryspan.training.trainable import notes

if TYPE_CHECKING:
    from memoryspan.runs.run import Run


def train(
    run: "Run",
    on_chunk: Callable[[TrainSnapshot], None],
    callbacks: Sequence[keras.callbacks.Callback],
    every: float,
    pressed: Callable[[], bool],
) -> Result:
    """Train a run whose lock is held, as `Run.train` describes; `pressed` returns whether Ctrl-C was pressed."""
    snapshot, rows = run.snapshot, list(history_file.history(run.directory))
    if run.ended:
        return Result(Status(run.record.status), snapshot.accuracy, tuple(rows), run.record.resolved.engine)
    seen = _seen(weight_snapshots.load(run.directory), snapshot)
    pace = Pace(every)
    training = train_chunks(
        run.model, run.task, run.config, snapshot, callbacks=callbacks, epoch=len(rows), pressed=pressed
    )
    try:
        with closing(training):
            for snapshot in training:
                rows.append(snapshot.row)
                seen = _seen(seen, snapshot)
                _keep(run, snapshot, seen, pace)
                on_chunk(snapshot)
                if pressed():
                    break
        return _finish(run, snapshot, seen, rows)
    except KeyboardInterrupt:
        return _finish(run, snapshot, seen, rows)


def _seen(before: Snapshots, snapshot: TrainSnapshot) -> Snapshots:
    return weight_snapshots.with_moment(before, snapshot.row.updates, snapshot.state.variables)


def _keep(run: "Run", snapshot: TrainSnapshot, seen: Snapshots, pace: Pace) -> None:
    """Add the row to the history, and save a checkpoint if one is due."""
    with _written(run):
        history_file.append(run.directory, snapshot.row)
        if pace.is_due():
            with pace.saving():
                atomic.sync(run.directory / history_file.FILE)  # no checkpoint may be ahead of the history
                weight_snapshots.save(run.directory, seen)
                checkpoint.save(run.directory, snapshot)


def _finish(run: "Run", snapshot: TrainSnapshot, seen: Snapshots, rows: list[HistoryRow]) -> Result:
    """Write how the training ended: with the status of its last snapshot, or interrupted."""
    rows = history_file.up_to(rows, snapshot.row)  # after Ctrl-C its row may be missing
    status = snapshot.status or Status.INTERRUPTED
    restore(run.model, snapshot.state)
    with _written(run):
        history_file.rewrite(run.directory, rows)
        weight_snapshots.save(run.directory, seen)
        checkpoint.save(run.directory, snapshot)
        save_model(run.model, run.directory)
        finished = finish_record(run.record, status, snapshot)
        record.write(run.directory, finished)
    run.record, run.snapshot = finished, snapshot
    found = notes(run.model, run.task, status)
    return Result(status, snapshot.accuracy, tuple(rows), run.record.resolved.engine, found)


def _written(run: "Run") -> AbstractContextManager[None]:
    return atomic.as_run_error(
        run.directory,
        f"The last checkpoint holds: make room, then continue with --resume {shlex.quote(str(run.directory))}.",
    )
