"""The loop of a training: chunks of compiled updates, for one seed or several at once, and a look in between.

Only between chunks does Python look: here at the budget and the accuracy, and whoever takes the positions at Ctrl-C.
Where chunks begin and end depends on the state alone, so a training that goes on from a saved position ends in the same
bits as one that never stopped.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import jax
from jaxtyping import Array

from memoryspan.backend import keras
from memoryspan.engine import Forward
from memoryspan.errors import InsufficientMemoryError
from memoryspan.interrupt import immediate_sigint
from memoryspan.sampling import Stream, stream
from memoryspan.tasks import Task
from memoryspan.tasks.faults import require_no_faults
from memoryspan.training.compile import TrainStep, compile_train_step
from memoryspan.training.curriculum import Curriculum
from memoryspan.training.position import TrainSnapshot, initial_snapshot
from memoryspan.training.proof import Proof
from memoryspan.training.result import HistoryRow, Status
from memoryspan.training.settings import TrainConfig
from memoryspan.training.state import State
from memoryspan.training.trainable import trainable
from memoryspan.training.update import ChunkMetrics

UPDATES = 10
"""Updates of a chunk while sequences are short, and from one look at fresh examples to the next …"""

STEPS = 16_384
"""… and the time steps that a chunk walks at most once they are long, so that Python gets to look at the clock."""

SKIPPED_IN_A_ROW = 100
"""Updates with a gradient that is not finite, one after the other, after which there is no hope."""


def chunks(
    models: Sequence[keras.Model],
    task: Task,
    settings: Sequence[TrainConfig],
    proof: Proof,
    start: Sequence[TrainSnapshot] | None = None,
    before: Callable[[TrainSnapshot], TrainSnapshot] = lambda position: position,
) -> Iterator[tuple[TrainSnapshot, ...]]:
    """The training of several seeds, chunk by chunk, to the end of each; one that has ended stays where it is.

    Their settings differ in the seed alone. `proof` says what it takes to have solved the task; it is asked where the
    last batches, at the full length, seem to. `before` gives the position from which a chunk begins, where that is to
    be another than the one before it. Raises as `train_seeds` does.
    """
    first, shared = models[0], settings[0]
    fwd, keys = trainable(models, task, shared.batch_size), [stream(each.seed, Stream.TRAINING) for each in settings]
    now = list(start or [initial_snapshot(model, fwd, task, shared) for model in models])
    programs: dict[tuple[int, int], TrainStep] = {}
    crowded: set[int] = set()  # widths at which all together do not fit into memory
    while any(position.status is None for position in now):
        now = [before(position) for position in now]
        widths = [_width(position, fwd, task, shared.curriculum) for position in now]
        lanes = _lanes(now, widths, fwd)
        limits = [widths[lane] if moves else task.min_length for lane, moves in lanes]
        width = max(limits)
        if width in crowded:
            lanes, limits = [next(each for each in lanes if each[1])], [width]
        if (width, len(lanes)) not in programs:
            parts = [(now[lane].state, keys[lane]) for lane, _ in lanes]
            try:
                programs[width, len(lanes)] = compile_train_step(
                    first, fwd, task, width, shared.curriculum, shared.batch_size, *zip(*parts, strict=True)
                )
            except InsufficientMemoryError:
                if len(lanes) > 1:
                    crowded.add(width)
                    continue
                ((lane, _),) = lanes
                if not now[lane].row.updates:
                    raise
                now[lane] = replace(now[lane], status=Status.MEMORY)
                yield tuple(now)
                continue
        here = [(now[lane], keys[lane], moves) for lane, moves in lanes]
        further = _advance(here, programs[width, len(lanes)], limits, task, shared.batch_size)
        for (lane, moves), position in zip(lanes, further, strict=True):
            now[lane] = judge(position, task, settings[lane], proof) if moves else position
        yield tuple(now)


def _width(position: TrainSnapshot, fwd: Forward, task: Task, curriculum: Curriculum) -> int:
    """The width of the next chunk's arrays; for a model that takes one length a batch, that length."""
    length = position.row.length
    if not fwd.ragged:
        min_length = fwd.length_from(task.min_length, task.length)
        length = curriculum.one_length(position.row.updates, length, min_length)
    return fwd.width(length, task.length)


def _lanes(now: Sequence[TrainSnapshot], widths: Sequence[int], fwd: Forward) -> list[tuple[int, bool]]:
    """Which seeds go into the next chunk, and whether each moves in it: those whose sequences are about the shortest.

    All of a program walk as far as the longest of them; so a seed that is far ahead waits until the others have come
    near. Where one alone moves, it has a program to itself; else those that do not move go along and stand still.
    Where a batch has one length, those move that have the same one as the seed that is farthest behind.
    """
    running = [lane for lane, position in enumerate(now) if position.status is None]
    last = min(running, key=lambda lane: (now[lane].row.length, now[lane].row.updates))
    if fwd.ragged:
        near = [position.row.length <= 2 * now[last].row.length for position in now]
    else:
        near = [width == widths[last] for width in widths]
    moving = [position.status is None and close for position, close in zip(now, near, strict=True)]
    alone = moving.count(True) == 1
    return [(lane, moves) for lane, moves in enumerate(moving) if moves or not alone]


def _advance(
    lanes: Sequence[tuple[TrainSnapshot, Array, bool]],
    program: TrainStep,
    limits: Sequence[int],
    task: Task,
    batch_size: int,
) -> list[TrainSnapshot]:
    """One chunk further, each seed (its position, its key) that moves."""
    positions, keys, moving = zip(*lanes, strict=True)
    asked = [_updates(position.row.length) if moves else 0 for position, moves in zip(positions, moving, strict=True)]
    began = time.perf_counter()
    outcomes = program([position.state for position in positions], keys, asked, limits)
    figures = jax.device_get([(totals, state.progress.length, state.skipped) for state, totals in outcomes])
    for totals, _, _ in figures:
        require_no_faults(task, totals.faults)
    seconds = (time.perf_counter() - began) / sum(moving)  # each has its share of the time, as of a budget of seconds
    return [
        _further(position.row, state, totals, length, skipped, seconds, batch_size) if moves else position
        for position, moves, (state, _), (totals, length, skipped) in zip(
            positions, moving, outcomes, figures, strict=True
        )
    ]


def _updates(length: int) -> int:
    """Of a chunk at this length."""
    return max(1, min(UPDATES, STEPS // length))


def _further(
    row: HistoryRow, state: State, totals: ChunkMetrics, length, skipped, seconds: float, batch_size: int
) -> TrainSnapshot:
    updates = int(totals.updates)
    return TrainSnapshot(
        state,
        HistoryRow(
            updates=row.updates + updates,
            examples=row.examples + updates * batch_size,
            tokens=row.tokens + int(totals.tokens),
            skipped=int(skipped),
            seconds=row.seconds + seconds,
            length=int(length),
            accuracy=float(totals.accuracy) / updates,
            loss=float(totals.loss) / updates,
        ),
    )


def judge(position: TrainSnapshot, task: Task, settings: TrainConfig, proof: Proof) -> TrainSnapshot:
    """The position with its status, where the training is over; with its accuracy, where that is what ends it."""
    row, state = position.row, position.state
    if position.status is not None:
        return position
    spent = settings.budget.spent(row.examples, row.tokens, row.seconds)
    if row.length == task.length and (spent or _look_is_due(state, task)) and _seems_solved(state, settings, task):
        with immediate_sigint():
            accuracy = proof(position, settings)
        if accuracy is not None:
            return TrainSnapshot(state, row, Status.SOLVED, accuracy)
    if int(state.skipped_in_a_row) >= SKIPPED_IN_A_ROW:
        return TrainSnapshot(state, row, Status.NOT_FINITE)
    if spent:
        return TrainSnapshot(state, row, Status.BUDGET)
    return position


def _look_is_due(state: State, task: Task) -> bool:
    """Whether the chunk had a tenth update at the full length: far out a look costs as much as fifteen of them."""
    return int(state.progress.updates) % UPDATES < _updates(task.length)


def _seems_solved(state: State, settings: TrainConfig, task: Task) -> bool:
    """Whether the last batches promise that a look at fresh examples is worth it."""
    enough = settings.curriculum.has_seen_enough(state.progress, task.length)
    return float(state.progress.accuracy) >= settings.threshold and bool(enough)
