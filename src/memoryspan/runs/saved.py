"""A run on the disk, opened for reading: it needs no lock, and changes nothing."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from memoryspan import user_code
from memoryspan.errors import RunError
from memoryspan.runs import record
from memoryspan.runs.record import Record
from memoryspan.spec import Spec

if TYPE_CHECKING:
    from memoryspan.backend import keras
    from memoryspan.tasks import Task
    from memoryspan.training import HistoryRow, TrainConfig


@dataclass(frozen=True)
class SavedRun:
    """A run's directory and record, from `Run.load`; the rest is read when it is used."""

    directory: Path
    record: Record
    task_class: "Callable[..., Task] | None" = None
    """The class of its task, where that is not one of the package's."""

    @property
    def task(self) -> "Task":
        """The task; raises `RunError` where it is not the package's and not given, or the settings make no sense."""
        return task_from(self.record.config.task, self.directory, self.task_class)

    @property
    def config(self) -> "TrainConfig":
        """The training's settings; raises `RunError` where the record's settings make no sense."""
        from memoryspan.training import TrainConfig

        return _convert(self.record.config.training, TrainConfig, self.directory)

    def history(self) -> "tuple[HistoryRow, ...]":
        """Return the rows saved so far; raises `RunError` where they are damaged."""
        from memoryspan.runs.history_file import history

        return history(self.directory)

    def model(self) -> "keras.Model":
        """Return the model as it was last saved; raises as `model_and_updates` does."""
        return self.model_and_updates()[0]

    def model_and_updates(self) -> "tuple[keras.Model, int]":
        """Return the model at the end of the training, or else at its newest checkpoint, and its number of updates.

        Raises:
            ModelError: the model's file cannot be opened.
            RunError: the training has not ended, and has no good checkpoint.
        """
        from memoryspan.runs.model_file import load_model

        model = load_model(self.directory)
        if self.record.results is not None:
            return model, self.record.results.updates
        from memoryspan.runs import checkpoint
        from memoryspan.training.state import initial_state, restore

        progress = self.config.schedule.start(self.task.min_length, self.task.length)
        snapshot, _ = checkpoint.load(self.directory, initial_state(model, progress))
        restore(model, snapshot.state)
        return model, snapshot.row.updates


def task_from(spec: Spec, directory: Path, task_class: "Callable[..., Task] | None" = None) -> "Task":
    """Return the task of this name in `TASKS`, or of the class given: nothing is imported because a record names it."""
    from memoryspan.tasks import TASKS

    if user_code.is_import_path(spec.name):
        if task_class is None:
            raise RunError(
                f"The run in {directory} was trained on {spec.name}, which is not part of memoryspan, and nothing "
                f"is imported because a record names it: if you trust that file, give it again with "
                f"--task {shlex.quote(spec.name)}."
            )
        return _convert(spec.settings, task_class, directory)
    if spec.name not in TASKS:
        raise RunError(
            f"The run in {directory} was trained on the task {spec.name!r}, and this memoryspan knows "
            f"{', '.join(sorted(TASKS))}: use the one that made it, or upgrade."
        )
    task_class = TASKS[spec.name]
    known = {field.name for field in fields(task_class)} if is_dataclass(task_class) else set()
    if unknown := sorted(set(spec.settings) - known):
        raise RunError(
            f"The run in {directory} sets {', '.join(unknown)} of the task {spec.name!r}, which this memoryspan "
            f"does not have: use the one that made it, or upgrade."
        )
    return _convert(spec.settings, task_class, directory)


def _convert(settings: dict, to: Any, directory: Path):
    try:
        return msgspec.convert(settings, to)
    except msgspec.ValidationError as error:
        raise RunError(
            f"{directory / record.FILE} has settings that make no sense ({error}): put back a copy of it, or train "
            f"again with another --run."
        ) from error
