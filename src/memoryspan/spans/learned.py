"""The learned span: how far back a model learns to remember, within a budget.

The longest length that it masters (as `held` defines it) by training from scratch, while the curriculum lets the length
grow until the budget ends.
"""

from dataclasses import dataclass, replace

from memoryspan.spans.cell import Span
from memoryspan.spans.held import ENOUGH, Measure, bisect, span
from memoryspan.tasks import Task
from memoryspan.training import Budget, Position, Status

STILL_GROWING = 0.5
"""Where the length last grew after this share of the budget, more of it would have let it grow on."""


@dataclass(frozen=True)
class Climb:
    """How far a training has come: where its curriculum stands, and what it has left behind."""

    length: int
    """The current length."""
    proved: int | None = None
    """The longest length that was proved when the curriculum went on from it."""
    grown_at: float = 0.0
    """The share of the budget that was spent when the length last grew."""


def climb_on(climb: Climb, position: Position, measure: Measure, budget: Budget) -> Climb:
    """After a chunk of updates that ends at `position`: where the length has grown, measures the one that was left."""
    row = position.row
    if row.length <= climb.length:
        return replace(climb, length=row.length)
    proved = climb.proved
    if climb.length > (proved or 0) and measure(climb.length).right >= ENOUGH:
        proved = climb.length
    return Climb(row.length, proved, budget.share(row.examples, row.tokens, row.seconds))


def learned_span(climb: Climb, ended: Status, task: Task, measure: Measure) -> Span:
    """The span at the end of a training: what was proved on the way, or more, up to where the curriculum stands.

    `measure` is of the model as trained.
    """

    def holds(length: int) -> bool:
        return measure(length).right >= ENOUGH

    best = climb.proved
    if climb.length > (best or 0):
        if holds(climb.length):
            best = climb.length
        elif best is not None:
            best = bisect(holds, best, climb.length)
    cut_short = ended in (Status.SOLVED, Status.MEMORY) or (ended is Status.BUDGET and climb.grown_at > STILL_GROWING)
    return span(task, best, at_least=best is not None and cut_short)
