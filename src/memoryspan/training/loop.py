"""The loop of a training: chunks of compiled updates, for one seed or several at once.

Python runs between chunks only: here it checks the budget and the accuracy, and the caller who takes the snapshots
checks for Ctrl-C. Where chunks begin and end depends on the state alone, so that a training that is resumed from a
snapshot ends in the same bits as one that never stopped.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
from jaxtyping import Array

from memoryspan.backend import keras
from memoryspan.errors import InsufficientMemoryError
from memoryspan.sampling import Stream, stream
from memoryspan.tasks import Task
from memoryspan.tasks.faults import require_no_faults
from memoryspan.training.compile import TrainStep, compile_train_step
from memoryspan.training.config import TrainConfig
from memoryspan.training.problem import Problem
from memoryspan.training.result import HistoryRow, Status
from memoryspan.training.snapshot import TrainSnapshot, initial_snapshot
from memoryspan.training.state import TrainState
from memoryspan.training.stopping import SolvedTest, check_stop
from memoryspan.training.trainable import trainable
from memoryspan.training.update import ChunkMetrics, updates_at


def train_loop(
    models: Sequence[keras.Model],
    task: Task,
    configs: Sequence[TrainConfig],
    solved: SolvedTest,
    start: Sequence[TrainSnapshot] | None = None,
    before: Callable[[TrainSnapshot], TrainSnapshot] = lambda snapshot: snapshot,
    compile_step: Callable[..., TrainStep] = compile_train_step,
) -> Iterator[tuple[TrainSnapshot, ...]]:
    """Train several seeds, chunk by chunk, to the end of each; a seed that has ended keeps its snapshot.

    Their configs differ in the seed alone. `solved` tests whether the task is solved; it is called where the last
    batches, at the full length, promise that. `before` returns the snapshot from which a chunk begins, where that is to
    be another than the one before it. Raises as `train_seeds` does.
    """
    problem = Problem(models[0], trainable(models, task, configs[0].batch_size), task, configs[0])
    keys = [stream(config.seed, Stream.TRAINING) for config in configs]
    now = list(start or [initial_snapshot(model, problem.fwd, task, configs[0]) for model in models])
    steps = _Steps(problem, keys, compile_step)
    while any(snapshot.status is None for snapshot in now):
        now = [before(snapshot) for snapshot in now]
        lanes = _lanes(problem, now)
        try:
            lanes, step = steps.fitting(lanes, now)
        except InsufficientMemoryError:
            seed = next(lane.seed for lane in lanes if lane.moves)
            if not now[seed].row.updates:
                raise
            now[seed] = replace(now[seed], status=Status.MEMORY)
        else:
            for seed, snapshot in _advance(problem, step, lanes, now, keys):
                now[seed] = check_stop(snapshot, task, configs[seed], solved)
        yield tuple(now)


class _Lane(NamedTuple):
    """A seed's part in the next chunk."""

    seed: int
    """Its place among the seeds."""
    limit: int
    """The length that no sequence exceeds; for a model that takes one length a batch, that length."""
    moves: bool
    """Whether it trains, or stands still beside the others."""


def _lanes(problem: Problem, now: Sequence[TrainSnapshot]) -> list[_Lane]:
    """Return which seeds go into the next chunk, and which of them move: those whose sequences are about the shortest.

    The longest sequence decides the number of steps of all seeds of a program, so that a seed that is far ahead waits
    until the others have come near. One that moves alone has a program to itself; otherwise those that do not move
    stand still beside the others. Where a batch has one length, those move that have the same as the seed that is
    farthest behind.
    """
    widths = [_width(problem, snapshot) for snapshot in now]
    running = [seed for seed, snapshot in enumerate(now) if snapshot.status is None]
    last = min(running, key=lambda seed: (now[seed].row.length, now[seed].row.updates))
    if problem.fwd.ragged:
        near = [snapshot.row.length <= 2 * now[last].row.length for snapshot in now]
    else:
        near = [width == widths[last] for width in widths]
    moving = [snapshot.status is None and close for snapshot, close in zip(now, near, strict=True)]
    lanes = [
        _Lane(seed, width if moves else problem.task.min_length, moves)
        for seed, (width, moves) in enumerate(zip(widths, moving, strict=True))
    ]
    return lanes if moving.count(True) > 1 else [lane for lane in lanes if lane.moves]


def _width(problem: Problem, snapshot: TrainSnapshot) -> int:
    """Return the width of the next chunk's arrays; for a model that takes one length a batch, that length."""
    length = snapshot.row.length
    if not problem.fwd.ragged:
        length = problem.config.schedule.one_length(snapshot.row.updates, length, problem.min_length)
    return problem.fwd.width(length, problem.task.length)


class _Steps:
    """The train steps of a training, each compiled when it is first needed."""

    def __init__(self, problem: Problem, keys: Sequence[Array], compile_step: Callable[..., TrainStep]):
        self._problem, self._keys, self._compile = problem, keys, compile_step
        self._compiled: dict[tuple[int, int], TrainStep] = {}
        self._crowded: set[int] = set()  # widths at which several seeds do not fit into memory together

    def fitting(self, lanes: list[_Lane], now: Sequence[TrainSnapshot]) -> tuple[list[_Lane], TrainStep]:
        """Return the lanes with their step; where they do not fit into memory together, the first that moves, alone.

        Raises `InsufficientMemoryError` where that one does not fit either.
        """
        width = max(lane.limit for lane in lanes)
        if len(lanes) > 1 and width not in self._crowded:
            try:
                return lanes, self._step(width, lanes, now)
            except InsufficientMemoryError:
                self._crowded.add(width)
        alone = [next(lane for lane in lanes if lane.moves)._replace(limit=width)]
        return alone, self._step(width, alone, now)

    def _step(self, width: int, lanes: list[_Lane], now: Sequence[TrainSnapshot]) -> TrainStep:
        if (width, len(lanes)) not in self._compiled:
            states, keys = [now[lane.seed].state for lane in lanes], [self._keys[lane.seed] for lane in lanes]
            self._compiled[width, len(lanes)] = self._compile(self._problem, width, states, keys)
        return self._compiled[width, len(lanes)]


def _advance(
    problem: Problem, step: TrainStep, lanes: Sequence[_Lane], now: Sequence[TrainSnapshot], keys: Sequence[Array]
) -> list[tuple[int, TrainSnapshot]]:
    """Run one chunk, and return each seed that moved with its snapshot after it."""
    updates = [updates_at(now[lane.seed].row.length) if lane.moves else 0 for lane in lanes]
    states, limits = [now[lane.seed].state for lane in lanes], [lane.limit for lane in lanes]
    began = time.perf_counter()
    results = step(states, [keys[lane.seed] for lane in lanes], updates, limits)
    values = jax.device_get([(metrics, state.progress.length, state.skipped) for state, metrics in results])
    for metrics, _, _ in values:
        require_no_faults(problem.task, metrics.faults)
    # Each seed has its share of the time, and of a budget of seconds.
    seconds = (time.perf_counter() - began) / sum(lane.moves for lane in lanes)
    return [
        (lane.seed, _after(now[lane.seed].row, state, metrics, length, skipped, seconds, problem.config.batch_size))
        for lane, (state, _), (metrics, length, skipped) in zip(lanes, results, values, strict=True)
        if lane.moves
    ]


def _after(
    row: HistoryRow, state: TrainState, metrics: ChunkMetrics, length, skipped, seconds: float, batch_size: int
) -> TrainSnapshot:
    updates = int(metrics.updates)
    return TrainSnapshot(
        state,
        HistoryRow(
            updates=row.updates + updates,
            examples=row.examples + updates * batch_size,
            tokens=row.tokens + int(metrics.tokens),
            skipped=int(skipped),
            seconds=row.seconds + seconds,
            length=int(length),
            accuracy=float(metrics.accuracy) / updates,
            loss=float(metrics.loss) / updates,
        ),
    )
