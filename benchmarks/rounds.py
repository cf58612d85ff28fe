"""Measuring side by side: A B C D, A B C D, …, so that a slow minute of the machine affects all of them alike."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Generic, NamedTuple, TypeVar

from rich.markup import escape
from rich.progress import track

from memoryspan.cli.console import console

K = TypeVar("K")
T = TypeVar("T")

WARM_UPS = 1
"""Rounds at the start that are not counted: they compile, and fill the caches."""


class Sample(NamedTuple, Generic[T]):
    """One run of one job: how long it took, and what it returned."""

    seconds: float
    value: T


class Spread(NamedTuple):
    """The median of some figures, and their range."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Return the spread of at least one figure."""
        values = list(values)
        return cls(median(values), min(values), max(values))


def interleaved(jobs: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[Sample[T]]]:
    """Run the jobs in turn, round after round, and return the samples of each, without the warm-ups."""
    samples: dict[K, list[Sample[T]]] = {name: [] for name in jobs}
    for number in progress(range(WARM_UPS + rounds), "Rounds"):
        for name, job in jobs.items():
            sample = _timed(job)
            if number >= WARM_UPS:
                samples[name].append(sample)
    return samples


def _timed(job: Callable[[], T]) -> Sample[T]:
    began = time.perf_counter()
    value = job()
    return Sample(time.perf_counter() - began, value)


def progress(items: Sequence[T], label: str) -> Iterable[T]:
    """Return the items, with a bar on a terminal; it is drawn between items only, because a thread takes time."""
    screen = console(stderr=True)
    return track(
        items, escape(label), console=screen, transient=True, auto_refresh=False, disable=not screen.is_terminal
    )
