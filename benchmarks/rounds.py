"""Measuring side by side: A B C D, A B C D, …, so that a slow minute of the machine falls on all of them alike."""

import time
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Generic, NamedTuple, TypeVar

from rich.markup import escape
from rich.progress import track

from memoryspan.cli.console import console

K = TypeVar("K")
T = TypeVar("T")

WARM_UPS = 1
"""Rounds that go before and are not counted: they compile, and fill the caches."""


class Lap(NamedTuple, Generic[T]):
    """One turn of one job: how long it took, and what it gave."""

    seconds: float
    value: T


class Spread(NamedTuple):
    """The middle of some figures, and their ends."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """The spread of at least one figure."""
        values = list(values)
        return cls(median(values), min(values), max(values))


def interleaved(jobs: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[Lap[T]]]:
    """Runs the jobs in turn, round after round, and gives the laps of each, warm-ups left out."""
    laps: dict[K, list[Lap[T]]] = {name: [] for name in jobs}
    for number in progress(range(WARM_UPS + rounds), "Rounds"):
        for name, job in jobs.items():
            lap = _timed(job)
            if number >= WARM_UPS:
                laps[name].append(lap)
    return laps


def _timed(job: Callable[[], T]) -> Lap[T]:
    began = time.perf_counter()
    value = job()
    return Lap(time.perf_counter() - began, value)


def progress(items: range, what: str) -> Iterable[int]:
    """The items, with a bar on a terminal. It is drawn between items only: a thread that draws takes its share."""
    screen = console(stderr=True)
    return track(
        items, escape(what), console=screen, transient=True, auto_refresh=False, disable=not screen.is_terminal
    )
