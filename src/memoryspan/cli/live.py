"""What moves on the terminal while one waits; on standard error, so that standard output stays the result.

Where standard error is not a terminal a plain line now and then takes its place.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table

from memoryspan.training import Position

PLAIN_SECONDS = 10
"""Between two lines where there is no terminal."""


@contextmanager
def counting(noun: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for `done` of `total`; it appears with the first call."""
    columns = BarColumn(), MofNCompleteColumn(), TextColumn(noun), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = None

        def show(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                task = progress.add_task(noun, total=total)
            progress.update(task, completed=done)

        yield show


@contextmanager
def training(shortest: int, longest: int) -> Iterator[Callable[[Position], None]]:
    """The live line of a training: how far the curriculum is, and how fast."""
    console = Console(stderr=True)
    if not console.is_terminal or console.options.ascii_only:  # in ASCII neither a bar nor a spinner can be drawn
        yield _plain_lines()
        return
    waiting = Spinner("dots", " building and compiling …")
    with Live(waiting, console=console, transient=True, refresh_per_second=12) as live:
        yield lambda position: live.update(_line(position, shortest, longest))


def describe(position: Position) -> str:
    """A position in words; what matters most stands first, where a narrow terminal shows it."""
    row = position.row
    speed = row.examples / row.seconds if row.seconds else 0
    return (
        f"length {row.length:,}, accuracy {row.accuracy:.1%}, {row.updates:,} updates, {row.examples:,} examples, "
        f"{speed:,.0f}/s, {row.seconds:.1f} s"
    )


def _line(position: Position, shortest: int, longest: int) -> Table:
    # Lengths grow by factors, so the bar is logarithmic.
    done = math.log(position.row.length / shortest) if longest > shortest else 1.0
    total = math.log(longest / shortest) if longest > shortest else 1.0
    line = Table.grid(padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, overflow="ellipsis")
    line.add_row(ProgressBar(total=total, completed=done, width=10), describe(position))
    return line


def _plain_lines() -> Callable[[Position], None]:
    due = None
    console = Console(stderr=True, width=200)

    def show(position: Position) -> None:
        nonlocal due
        due = due or time.monotonic() + PLAIN_SECONDS
        if time.monotonic() >= due:
            console.print(describe(position), highlight=False)
            due = time.monotonic() + PLAIN_SECONDS

    return show
