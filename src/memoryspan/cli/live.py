"""Progress on the terminal, on standard error, so that standard output has the result and nothing else.

If standard error is not a terminal, a plain line is printed now and then.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import count

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from memoryspan.cli.console import console
from memoryspan.cli.table import fitted
from memoryspan.printable import printable
from memoryspan.report.views import SweepView
from memoryspan.spans.held import Held, held_span
from memoryspan.sweeps.sweep import Sweep
from memoryspan.sweeps.trial import TrialResult
from memoryspan.tables import TextTable
from memoryspan.training import TrainSnapshot

COMPILING = "Compiling the training, which may take longer than the training itself …"

BAR = 12
"""Columns of the bar of a sweep."""

PLAIN_SECONDS = 10
"""Seconds between two lines if there is no terminal."""


@contextmanager
def counting(noun: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar of `done` out of `total`, if that is known. It appears with the first call."""
    columns = BarColumn(), MofNCompleteColumn(), TextColumn(noun, markup=False), TimeRemainingColumn()
    screen = console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = None

        def show(done: int, total: int | None) -> None:
            nonlocal task
            if task is None:
                task = progress.add_task(noun, total=total)
            progress.update(task, completed=done)

        yield show


def measured_span(model, task, max_length: int) -> Held:
    """Return the held span of a model, and show a bar while it is measured."""
    with counting("lengths") as progress:
        seen = count(1)
        return held_span(model, task, max_length=max_length, on_accuracy=lambda accuracy: progress(next(seen), None))


@contextmanager
def training(min_length: int, max_length: int, quiet: bool = False) -> Iterator[Callable[[TrainSnapshot], None]]:
    """Show a training as it goes: how far the curriculum is, and how fast. What comes first is that it is compiled."""
    if quiet:
        yield lambda now: None
        return
    screen = console(stderr=True)
    if not screen.is_terminal or screen.options.ascii_only:  # in ASCII neither a bar nor a spinner can be drawn
        yield _plain_lines()
        return
    spinner = Spinner("dots")
    position, since = None, time.monotonic()

    def show(now: TrainSnapshot) -> None:
        nonlocal position, since
        position, since = now, time.monotonic()

    def picture() -> RenderableType:
        waited = time.monotonic() - since
        spinner.text = "" if position else Text(f" {COMPILING} {waited:.0f} s")
        return _line(position, min_length, max_length, spinner, waited) if position else spinner

    with Live(console=screen, get_renderable=picture, transient=True, refresh_per_second=12):
        yield show


@contextmanager
def sweeping(
    sweep: Sweep, total: int, view: SweepView, quiet: bool = False
) -> Iterator[tuple[Callable[[TrialResult], None], Callable[[int, str], None], Callable[[str], None]]]:
    """Show the table of a sweep as it fills, and a line for each worker; without a terminal, a line for each result.

    Yields on_result, on_event and on_notice, as `run_trials` calls them.
    """
    screen = console(stderr=True)

    def on_notice(sentence: str) -> None:
        screen.print(printable(sentence), soft_wrap=True)

    if quiet:
        yield (lambda found: None), (lambda worker, words: None), on_notice
        return
    start = time.monotonic()
    reports: dict[int, tuple[str, float]] = {}
    done, shown, due = 0, view.table(sweep.completed), start + PLAIN_SECONDS

    def on_result(found: TrialResult) -> None:
        nonlocal done, shown
        done += 1
        if screen.is_terminal:
            shown = view.table(sweep.completed)
        else:
            screen.print(printable(f"{done} of {total}: {view.one_line(found)}"), soft_wrap=True)

    def on_event(worker: int, words: str) -> None:
        nonlocal due
        now = time.monotonic()
        reports.pop(worker, None)
        if not words:
            return
        reports[worker] = words, now
        if not screen.is_terminal and now >= due:
            screen.print(printable(f"worker {worker + 1}: {words}"), soft_wrap=True)
            due = now + PLAIN_SECONDS

    def picture() -> Group:
        now = time.monotonic()
        waiting = [(words, now - since) for _, (words, since) in sorted(reports.items())]
        return sweep_picture(waiting, done, total, now - start, shown, screen)

    live = Live(console=screen, get_renderable=picture, transient=True, refresh_per_second=4)
    with live if screen.is_terminal else nullcontext():
        yield on_result, on_event, on_notice


def sweep_picture(
    reports: Sequence[tuple[str, float]], done: int, total: int, seconds: float, table: TextTable, screen: Console
) -> Group:
    """Return what a sweep shows: a line for each busy worker, the progress, and the table so far.

    Args:
        reports: what each worker has reported, and how many seconds ago: it may compile, or measure, for a while.
        done: the number of trials that have ended.
        total: the number of trials.
        seconds: how long it has taken so far.
        table: of the results so far.
        screen: where it is shown.
    """
    lines = [f"{words} + {waited:.0f} s" if waited >= 1 else words for words, waited in reports]
    workers = [Text(printable(line), no_wrap=True, overflow="ellipsis") for line in lines]
    results = [fitted(table, screen)] if table.rows else []
    return Group(*workers, _progress(done, total, seconds), *results)  # what does not fit below is cut off


def _progress(done: int, total: int, seconds: float) -> Table:
    """Return a bar, with the time since the start and, once a trial has ended, about how much is left."""
    left = f", about {_clock(seconds * (total - done) / done)} left" if done else ""
    line = Table.grid(padding=(0, 1))
    line.add_column(width=BAR)
    line.add_column(no_wrap=True, overflow="ellipsis")
    line.add_row(
        ProgressBar(total=total, completed=done, width=BAR), Text(f"{done} of {total} trials, {_clock(seconds)}{left}")
    )
    return line


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _line(position: TrainSnapshot, min_length: int, max_length: int, spinner: Spinner, waited: float) -> Table:
    """Return the live line, with the seconds since the last chunk of updates: at great lengths one takes long."""
    # Lengths grow by factors, so the bar is logarithmic.
    done = math.log(position.row.length / min_length) if max_length > min_length else 1.0
    total = math.log(max_length / min_length) if max_length > min_length else 1.0
    line = Table.grid(padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, overflow="ellipsis")
    since = f" + {waited:.0f} s" if waited >= 1 else ""
    line.add_row(spinner, ProgressBar(total=total, completed=done, width=10), f"{position.row}{since}")
    return line


def _plain_lines() -> Callable[[TrainSnapshot], None]:
    screen = console(stderr=True, width=200)
    screen.print(COMPILING)
    due = time.monotonic() + PLAIN_SECONDS

    def show(position: TrainSnapshot) -> None:
        nonlocal due
        if time.monotonic() >= due:
            screen.print(str(position.row))
            due = time.monotonic() + PLAIN_SECONDS

    return show
