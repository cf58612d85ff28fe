"""The jump of a training: a plateau, where nothing is learned, and the few examples in which all is."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from memoryspan.tasks import Task
from memoryspan.training import HistoryRow

NOT_YET, DONE = 0.25, 0.75
"""Fractions of the way from chance to 100 %: below the first nothing is learned, from the second on the task is."""

FLAT = 3
"""The minimum number of rows of a plateau."""


class Jump(NamedTuple):
    """A plateau, and the jump that ends it: examples and accuracies at its two ends."""

    length: int
    """The current length."""
    begins: int
    """Examples seen before the plateau."""
    before: HistoryRow
    """The last row of the plateau."""
    after: HistoryRow
    """The first row beyond the jump."""

    @property
    def flat(self) -> int:
        """The examples of the plateau."""
        return self.before.examples - self.begins

    @property
    def steep(self) -> int:
        """The examples of the jump."""
        return self.after.examples - self.before.examples


def find_jump(history: Sequence[HistoryRow], task: Task) -> Jump | None:
    """Return the jump with the longest plateau before it, both at one length; None if the training has no jump."""
    jumps = (_jump(length, begins, rows, task) for length, begins, rows in _stages(history))
    return max((jump for jump in jumps if jump), key=lambda jump: jump.flat, default=None)


def _stages(history: Sequence[HistoryRow]) -> Iterator[tuple[int, int, list[HistoryRow]]]:
    """Yield, for each new greatest length, the length, the examples seen before, and the rows of its first stage.

    Lengths to which the curriculum returns after it shrank are left out, because they were trained on before. The
    length of a row is the one after its chunk, which is that of the next chunk.
    """
    lengths = [history[0].length, *(row.length for row in history[:-1])]
    begins = greatest = 0
    for length, pairs in groupby(zip(lengths, history, strict=True), key=itemgetter(0)):
        rows = [row for _, row in pairs]
        if length > greatest:
            yield length, begins, rows
            greatest = length
        begins = rows[-1].examples


def _jump(length: int, begins: int, rows: Sequence[HistoryRow], task: Task) -> Jump | None:
    """Return the jump from the last row below the first of the two fractions to the first row above the second.

    None if that takes more examples than the plateau before it, which makes it a slope.
    """
    chance = replace(task, length=length).chance
    way = [(row.accuracy - chance) / (1 - chance) for row in rows]
    after = next((number for number, share in enumerate(way) if share >= DONE), 0)
    before = max((number for number, share in enumerate(way[:after]) if share < NOT_YET), default=-1)
    jump = Jump(length, begins, rows[before], rows[after])
    return jump if before + 1 >= FLAT and jump.steep <= jump.flat else None
