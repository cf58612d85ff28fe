"""A training after a chunk of updates, and the random numbers with which it is evaluated there."""

from dataclasses import dataclass

import jax
from jaxtyping import Array

from memoryspan.accuracy import Accuracy
from memoryspan.backend import keras
from memoryspan.engine import Forward
from memoryspan.sampling import Stream, stream
from memoryspan.tasks import Task
from memoryspan.training.config import TrainConfig
from memoryspan.training.problem import Problem
from memoryspan.training.result import HistoryRow, Status
from memoryspan.training.state import TrainState, initial_state


@dataclass(frozen=True)
class TrainSnapshot:
    """A training after a chunk: it can be resumed from here."""

    state: TrainState
    row: HistoryRow
    status: Status | None = None
    """How it ended; None while it runs."""
    accuracy: Accuracy | None = None
    """At the full length, once it has ended; None where that does not fit into memory."""


def initial_snapshot(model: keras.Model, fwd: Forward, task: Task, config: TrainConfig) -> TrainSnapshot:
    """Return the snapshot before the first update."""
    progress = config.schedule.start(Problem(model, fwd, task, config).min_length, task.length)
    return TrainSnapshot(initial_state(model, progress), HistoryRow.first(int(progress.length)))


def evaluation_key(seed: int, row: HistoryRow, draw: int = 0) -> Array:
    """Return the key of fresh examples for an evaluation after a row of the history; each draw has others."""
    return jax.random.fold_in(jax.random.fold_in(stream(seed, Stream.EVALUATION), row.updates), draw)
