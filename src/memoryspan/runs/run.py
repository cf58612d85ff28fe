"""A run that is trained: its directory, opened once, and what was made of its files.

    run = Run.create(lstm(Echo(), seed=0), Echo())
    result = run.train()

JAX and Keras are imported when a run is created, resumed or trained, so that `Run.load` reads a record without them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memoryspan.errors import RunError
from memoryspan.files import atomic
from memoryspan.interrupt import defer_signals
from memoryspan.runs import record
from memoryspan.runs.record import Record
from memoryspan.runs.saved import SavedRun
from memoryspan.spec import Spec

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from memoryspan.backend import keras
    from memoryspan.tasks import Task
    from memoryspan.training import Budget, Result, TrainConfig, TrainSnapshot

CHECKPOINT_SECONDS = 2.0
"""Seconds between checkpoints: at most this much training is lost when a process is killed."""


@dataclass(eq=False)
class Run:
    """A run that is open for training: this process holds its lock until `train` returns."""

    directory: Path
    record: Record
    """The content of `run.json`."""
    task: "Task"
    model: "keras.Model"
    config: "TrainConfig"
    snapshot: "TrainSnapshot"
    """The snapshot from which `train` continues; afterwards the one with which it ended."""
    notices: tuple[str, ...]
    """Sentences for the user about what was found when the run was opened."""
    lock: "BaseFileLock"

    @property
    def ended(self) -> bool:
        """Whether nothing is left to train, and nothing left to write."""
        return self.snapshot.status is not None and self.record.status == self.snapshot.status

    @staticmethod
    def create(
        model: "keras.Model",
        task: "Task",
        config: "TrainConfig | None" = None,
        *,
        directory: str | Path | None = None,
        builder: Spec | None = None,
    ) -> "Run":
        """Create a run with a compiled model as it is; all that `resume` needs is on the disk when this returns.

        Args:
            model: as `memoryspan.train` takes it.
            task: what to learn.
            config: how to train; by default `TrainConfig()`.
            directory: the directory of the run, new or empty; by default a new one, `runs/echo-lstm-50-001`.
            builder: the builder of the model and its settings, for the record; by default the model's own name.

        Raises:
            ModelError: the model is not compiled, or does not fit the task.
            RunError: the directory is not empty, is in use, or cannot be written to.
        """
        from memoryspan.runs.opening import create
        from memoryspan.training import TrainConfig

        return Run(*create(model, task, config or TrainConfig(), Path(directory) if directory else None, builder))

    @staticmethod
    def resume(
        directory: str | Path, *, budget: "Budget | None" = None, task_class: "Callable[..., Task] | None" = None
    ) -> "Run":
        """Open a run where it stopped; with a larger budget, also one whose budget was spent.

        Args:
            directory: the directory of the run.
            budget: the budget from now on, counted from the first update; by default the run's own.
            task_class: the class of its task, where that is not one of the package's.

        Raises:
            ModelError: the model's file cannot be opened, or its loss, optimizer or schedule is not found.
            RunError: there is no such run, it is damaged or in use, or the new budget is spent already.
        """
        from memoryspan.runs.directory import lock_run
        from memoryspan.runs.opening import reopen

        directory = Path(directory)
        record.require(directory)
        with atomic.as_run_error(directory, "A run is resumed where you may write: copy it, and resume the copy."):
            held = lock_run(directory)
            try:
                return Run(*reopen(Run.load(directory, task_class), budget, held))
            except BaseException:
                held.release()
                raise

    @staticmethod
    def load(directory: str | Path, task_class: "Callable[..., Task] | None" = None) -> SavedRun:
        """Open a run for reading, without its lock; `task_class` is as for `resume`.

        Raises:
            RunError: there is no such run, it is half made, or its record is damaged or of another format.
        """
        directory = Path(directory)
        return SavedRun(directory, record.read(directory), task_class)

    def train(
        self,
        *,
        on_chunk: "Callable[[TrainSnapshot], None]" = lambda snapshot: None,
        callbacks: "Sequence[keras.callbacks.Callback]" = (),
        every: float = CHECKPOINT_SECONDS,
    ) -> "Result":
        """Train to the end and save everything on the way, then release the lock; a run is trained once.

        Ctrl-C ends the training after the chunk, a second one at once, and what was learned is saved. A third one,
        while it is being saved, interrupts that: then the last checkpoint holds.

        Args:
            on_chunk: called after every chunk of updates.
            callbacks: as `memoryspan.train` takes them. They are not saved: give them again after `resume`.
            every: seconds between checkpoints.

        Raises:
            RunError: the disk is full, or a file cannot be written; the last checkpoint holds.
            TaskError: a callback would not do here what it promises.
        """
        from memoryspan.runs.train import train

        if not self.lock.is_locked:
            raise RunError(f"This run was trained already: open it again with Run.resume({str(self.directory)!r}).")
        try:
            with defer_signals() as pressed:
                return train(self, on_chunk, callbacks, every, pressed)
        finally:
            self.lock.release()
