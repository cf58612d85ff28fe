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
    kind: "Callable[..., Task] | None" = None
    """The class of its task, where that is not one of the package's."""

    @property
    def task(self) -> "Task":
        """The task; raises `RunError` where it is not the package's and not given, or the settings make no sense."""
        return task_from(self.record.config.task, self.directory, self.kind)

    @property
    def config(self) -> "TrainConfig":
        """How it is trained; raises `RunError` where the record's settings make no sense."""
        from memoryspan.training import TrainConfig

        return _convert(self.record.config.training, TrainConfig, self.directory)

    def history(self) -> "tuple[HistoryRow, ...]":
        """The rows kept so far; raises `RunError` where they are damaged."""
        from memoryspan.runs.history_file import history

        return history(self.directory)

    def model(self) -> "keras.Model":
        """The model as last kept; raises as `model_and_updates` does."""
        return self.model_and_updates()[0]

    def model_and_updates(self) -> "tuple[keras.Model, int]":
        """The model as last kept, at the end of the training or at its newest checkpoint, and the updates it has seen.

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


def task_from(named: Spec, directory: Path, kind: "Callable[..., Task] | None" = None) -> "Task":
    """The task of this name in `TASKS`, or of the class given: nothing is imported because a record names it."""
    from memoryspan.tasks import TASKS

    if user_code.is_import_path(named.name):
        if kind is None:
            raise RunError(
                f"The run in {directory} was trained on {named.name}, which is not part of memoryspan, and nothing "
                f"is imported because a record names it: if you trust that file, give it again with "
                f"--task {shlex.quote(named.name)}."
            )
        return _convert(named.settings, kind, directory)
    if named.name not in TASKS:
        raise RunError(
            f"The run in {directory} was trained on the task {named.name!r}, and this memoryspan knows "
            f"{', '.join(sorted(TASKS))}: use the one that made it, or upgrade."
        )
    kind = TASKS[named.name]
    known = {field.name for field in fields(kind)} if is_dataclass(kind) else set()
    if unknown := sorted(set(named.settings) - known):
        raise RunError(
            f"The run in {directory} sets {', '.join(unknown)} of the task {named.name!r}, which this memoryspan "
            f"does not have: use the one that made it, or upgrade."
        )
    return _convert(named.settings, kind, directory)


def _convert(settings: dict, kind: Any, directory: Path):
    try:
        return msgspec.convert(settings, kind)
    except msgspec.ValidationError as error:
        raise RunError(
            f"{directory / record.FILE} has settings that make no sense ({error}): put back a copy of it, or train "
            f"again with another --run."
        ) from error
