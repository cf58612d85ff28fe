"""The state of a group of trials that trains models, as bytes and back."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from
from safetensors.numpy import save as bytes_of

from memoryspan.accuracy import Accuracy
from memoryspan.backend import keras
from memoryspan.files.json import to_builtins
from memoryspan.runs.checkpoint import from_named, named_arrays
from memoryspan.runs.history_file import row_from
from memoryspan.sweeps.group import Group
from memoryspan.tasks import Task
from memoryspan.training import Status, TrainConfig, TrainSnapshot
from memoryspan.training.state import initial_state

NotesT = TypeVar("NotesT")


class _Rest(msgspec.Struct, frozen=True):
    """What a state holds beside its arrays."""

    rows: list[dict[str, Any]]
    statuses: list[Status | None]
    accuracies: list[Accuracy | None]
    notes: msgspec.Raw


def resumed(
    group: Group, models: Sequence[keras.Model], task: Task, config: TrainConfig, notes: type[NotesT]
) -> tuple[tuple[TrainSnapshot, ...], NotesT] | None:
    """Return the snapshots from which a group resumes, one for each seed, and what its kind noted beside them.

    `notes` is the type of those. Returns None where the group starts anew.
    """
    progress = config.schedule.start(task.min_length, task.length)
    likes = [initial_state(model, progress) for model in models]

    def decode(state: bytes) -> tuple[tuple[TrainSnapshot, ...], NotesT]:
        line, _, arrays = state.partition(b"\n")
        rest = msgspec.json.decode(line, type=_Rest)
        try:
            states = from_named(arrays_from(arrays), likes)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
        each = zip(states, map(row_from, rest.rows), rest.statuses, rest.accuracies, strict=True)
        return tuple(TrainSnapshot(*of) for of in each), msgspec.json.decode(rest.notes, type=notes)

    return group.restore(decode)


def encode(now: Sequence[TrainSnapshot], notes: Any = None) -> bytes:
    """Return the state from which `resumed` makes the same snapshots and notes: a line of JSON, then the arrays."""
    rest = _Rest(
        rows=[to_builtins(snapshot.row) for snapshot in now],
        statuses=[snapshot.status for snapshot in now],
        accuracies=[snapshot.accuracy for snapshot in now],
        notes=msgspec.Raw(msgspec.json.encode(notes)),
    )
    return msgspec.json.encode(rest) + b"\n" + bytes_of(named_arrays([snapshot.state for snapshot in now]))
