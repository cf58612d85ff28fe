"""Answers cells: trains their models, and finds how far each one remembers."""

from collections.abc import Callable, Sequence
from typing import Any

from memoryspan.accuracy import Accuracy, measured
from memoryspan.backend import keras
from memoryspan.engine import engine_of, forward
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.models import make_model
from memoryspan.spans.cell import Cell, Found
from memoryspan.spans.held import EXAMPLES, THRESHOLD, Measure, hold, require_max_length
from memoryspan.spans.learned import Climb, climb_on, learned_span
from memoryspan.tasks import Task, make_task
from memoryspan.training import Curriculum, TrainConfig, TrainSnapshot
from memoryspan.training.loop import chunks
from memoryspan.training.snapshot import evaluation_key
from memoryspan.training.stopping import reaches_threshold

CURRICULUM = Curriculum(consolidate_factor=1)
"""Without settling, whose lengths are a share of the longest: here that is where nobody looks any more, and it must not
change what comes before it."""


def measure(cells: Sequence[Cell], on_progress: Callable[[str], None] = lambda sentence: None) -> list[Found]:
    """The answers to cells that differ in their seed alone; they train together, in one compiled program.

    `on_progress` is told, in a few words, what is going on.

    Raises what making the task and the model and training raise, and `TaskError` where the longest length that is
    looked at is below the task's shortest.
    """
    first = cells[0]
    task = at_longest(first)
    on_progress("building")
    models = [make_model(cell.model, task, cell.seed) for cell in cells]
    settings = [TrainConfig(cell.seed, cell.batch_size, cell.budget, CURRICULUM, THRESHOLD) for cell in cells]
    count = make_accuracy_fn(forward(models[0]), task)
    climbs, now = [Climb(task.min_length) for _ in cells], ()
    on_progress("compiling")
    for now in chunks(models, task, settings, reaches_threshold(task, count)):
        looks = [
            [_look(count, cell.seed, position, draw) for draw in (1, 2)]
            for cell, position in zip(cells, now, strict=True)
        ]
        climbs = [climb_on(*each, first.budget) for each in zip(climbs, now, looks, strict=True)]
        on_progress(_describe(now))
    ends = zip(cells, models, climbs, now, strict=True)
    return [_found(cell, model, task, climb, position, count, on_progress) for cell, model, climb, position in ends]


def at_longest(cell: Cell) -> Task:
    """The cell's task, at the longest length that is looked at."""
    task = make_task(cell.task.with_settings(length=cell.max_length))
    require_max_length(cell.max_length, task)
    return task


def _look(count: Callable, seed: int, position: TrainSnapshot, draw: int = 0) -> Measure:
    """Measures the model as it is at this position; each draw has other examples."""

    def measure(length: int, enough: int) -> Accuracy:
        key = evaluation_key(seed, position.row, draw)
        return count(position.state.variables, key, EXAMPLES, length, enough)

    return measure


def _found(
    cell: Cell,
    model: keras.Model,
    task: Task,
    climb: Climb,
    position: TrainSnapshot,
    count: Callable,
    on_progress: Callable,
) -> Found:
    look = _look(count, cell.seed, position)
    assert position.status is not None
    on_progress(f"seed {cell.seed}: measuring how far it holds")
    held = hold(look, task, cell.max_length, climb.length)
    return Found(
        learned=learned_span(climb, position.status, task, held.span),
        held=held.span,
        curve=tuple(map(measured, held.curve)),
        **trained(model, position),
    )


def trained(model: keras.Model, position: TrainSnapshot) -> dict[str, Any]:
    """The fields of `Trained`, of a training that has ended at this position."""
    assert position.status is not None
    row = position.row
    return {
        "ended": position.status.value,
        "parameters": model.count_params(),
        "engine": engine_of(model, training=True),
        "updates": row.updates,
        "examples": row.examples,
        "tokens": row.tokens,
        "skipped": row.skipped,
        "seconds": row.seconds,
    }


def _describe(now: Sequence[TrainSnapshot]) -> str:
    """Where the seeds stand, in a line."""
    rows = [position.row for position in now]
    lengths = ", ".join(f"{row.length:,}" for row in rows)
    return f"length {lengths}; {max(row.examples for row in rows):,} examples, {max(row.seconds for row in rows):.0f} s"
