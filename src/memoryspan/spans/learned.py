"""The learned span: how far back a model learns to remember, within a budget.

The longest length that it has mastered (as `held` defines it) at some time of a training from scratch: when the
curriculum left that length behind, or at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from memoryspan.errors import InsufficientMemoryError
from memoryspan.spans.cell import Span
from memoryspan.spans.held import ENOUGH, Measure, span
from memoryspan.tasks import Task
from memoryspan.training import Budget, Status, TrainSnapshot

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


def climb_on(climb: Climb, position: TrainSnapshot, looks: Sequence[Measure], budget: Budget) -> Climb:
    """After a chunk of updates that ends at `position`: where the length has grown, measures the one that was left.

    All of the looks, each at other examples, have to prove it: the curriculum may come by a length more than once, and
    a single look would find the lucky time.
    """
    row = position.row
    if row.length <= climb.length:
        return replace(climb, length=row.length)
    proved = climb.proved
    if climb.length > (proved or 0) and _prove(looks, climb.length):
        proved = climb.length
    return Climb(row.length, proved, budget.share(row.examples, row.tokens, row.seconds))


def _prove(looks: Sequence[Measure], length: int) -> bool:
    try:
        return all(look(length, ENOUGH).n_correct >= ENOUGH for look in looks)
    except InsufficientMemoryError:
        return False


def learned_span(climb: Climb, ended: Status, task: Task, held: Span) -> Span:
    """The span of a training that has ended: what was proved on the way, or what the model as trained holds."""
    best = max(climb.proved or 0, held.length or 0) or None
    grows = ended is Status.BUDGET and climb.grown_at > STILL_GROWING
    cut_short = grows or ended in (Status.SOLVED, Status.MEMORY) or (held.at_least and held.length == best)
    return span(task, best, at_least=best is not None and cut_short)
