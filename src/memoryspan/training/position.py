"""Where a training stands, and with which random numbers it is looked at there."""

from dataclasses import dataclass

import jax
from jaxtyping import Array

from memoryspan.accuracy import Accuracy
from memoryspan.backend import keras
from memoryspan.engine import Forward
from memoryspan.sampling import Stream, stream
from memoryspan.tasks import Task
from memoryspan.training.result import HistoryRow, Status
from memoryspan.training.settings import TrainConfig
from memoryspan.training.state import State, initial_state


@dataclass(frozen=True)
class TrainSnapshot:
    """Where a training stands after a chunk: it can go on from here."""

    state: State
    row: HistoryRow
    status: Status | None = None
    """How it ended; None while it goes on."""
    accuracy: Accuracy | None = None
    """At the full length, once it has ended; None where that does not fit into memory."""


def initial_snapshot(model: keras.Model, fwd: Forward, task: Task, settings: TrainConfig) -> TrainSnapshot:
    """Before the first update."""
    state = initial_state(model, settings.curriculum, task)
    min_length = fwd.length_from(task.min_length, task.length)
    state = state._replace(progress=settings.curriculum.start(min_length, task.length))
    return TrainSnapshot(state, HistoryRow.first(int(state.progress.length)))


def evaluation_key(seed: int, row: HistoryRow, draw: int = 0) -> Array:
    """Of a look at fresh examples after a row of the history; each draw has others."""
    return jax.random.fold_in(jax.random.fold_in(stream(seed, Stream.EVALUATION), row.updates), draw)
