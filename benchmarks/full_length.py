"""The echo task without a curriculum: the shortest example is the longest."""

from dataclasses import dataclass

from memoryspan.tasks import Echo


@dataclass(frozen=True)
class FullLength(Echo):
    """Echo as the tutorial trains it: a curriculum over it has nowhere to go, and stands at the full length."""

    @property
    def shortest(self) -> int:
        """All of it."""
        return self.length
