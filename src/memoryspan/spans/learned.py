"""The learned span: how far back a model learns to remember, within a budget.

The longest length that it masters, as `held` defines it, at some time of a training from scratch: when the curriculum
leaves that length behind, or at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from memoryspan.errors import InsufficientMemoryError
from memoryspan.spans.held import REQUIRED_CORRECT, Measure, span
from memoryspan.spans.trial import Span
from memoryspan.tasks import Task
from memoryspan.training import Budget, Status, TrainSnapshot

STILL_GROWING = 0.5
"""A length that last grew after this share of the budget counts as still growing at its end."""


@dataclass(frozen=True)
class SpanTracker:
    """The lengths of a training so far: the current one, and those that are mastered."""

    length: int
    """The current length."""
    longest: int = 0
    """The longest current length so far."""
    mastered: int | None = None
    """The longest length that was mastered when the curriculum left it behind."""
    grown_at: float = 0.0
    """The share of the budget that was spent when the length last grew."""

    def update(self, snapshot: TrainSnapshot, measures: Sequence[Measure], budget: Budget) -> "SpanTracker":
        """Return the tracker after a chunk of updates. Where the length has grown, the one before is measured.

        All measures, each on other examples, have to pass: the curriculum may leave a length more than once, and a
        single measure would pass by luck at one of these times.
        """
        row = snapshot.row
        longest = max(self.longest, self.length, row.length)
        if row.length <= self.length:
            return replace(self, length=row.length, longest=longest)
        mastered = self.mastered
        if self.length > (mastered or 0) and _all_pass(measures, self.length):
            mastered = self.length
        return SpanTracker(row.length, longest, mastered, budget.share(row.examples, row.tokens, row.seconds))


def _all_pass(measures: Sequence[Measure], length: int) -> bool:
    try:
        return all(measure(length, REQUIRED_CORRECT).n_correct >= REQUIRED_CORRECT for measure in measures)
    except InsufficientMemoryError:
        return False


def learned_span(tracker: SpanTracker, ended: Status, task: Task, held: Span) -> Span:
    """Return the learned span of a training that has ended: the longest length mastered on the way or at its end."""
    best = max(tracker.mastered or 0, held.length or 0) or None
    grows = ended is Status.BUDGET and tracker.grown_at > STILL_GROWING
    cut_short = grows or ended in (Status.SOLVED, Status.MEMORY) or (held.at_least and held.length == best)
    return span(task, best, at_least=best is not None and cut_short)
