"""Progress on the terminal, on standard error, so that standard output has the result and nothing else.

If standard error is not a terminal, a plain line is printed now and then.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import count

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from memoryspan.cli.console import console
from memoryspan.cli.table import as_rich
from memoryspan.printable import printable
from memoryspan.report.views import SweepView
from memoryspan.spans.held import Held, held_span
from memoryspan.sweeps.sweep import Sweep
from memoryspan.sweeps.trial import TrialResult
from memoryspan.training import TrainSnapshot

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
def training(min_length: int, max_length: int) -> Iterator[Callable[[TrainSnapshot], None]]:
    """Show the live line of a training: the length that the curriculum has reached, and the speed."""
    screen = console(stderr=True)
    if not screen.is_terminal or screen.options.ascii_only:  # in ASCII neither a bar nor a spinner can be drawn
        yield _plain_lines()
        return
    spinner = Spinner("dots", " building and compiling …")
    position, since = None, time.monotonic()

    def show(now: TrainSnapshot) -> None:
        nonlocal position, since
        position, since = now, time.monotonic()
        spinner.text = Text("")

    def picture() -> RenderableType:
        return _line(position, min_length, max_length, spinner, time.monotonic() - since) if position else spinner

    with Live(console=screen, get_renderable=picture, transient=True, refresh_per_second=12):
        yield show


@contextmanager
def sweeping(sweep: Sweep, total: int, view: SweepView) -> Iterator[tuple[Callable, Callable, Callable]]:
    """Show the table of a sweep as it fills, and a line for each worker; without a terminal, a line for each result.

    Yields on_result, on_event and on_notice, as `run_trials` calls them.
    """
    screen = console(stderr=True)
    lines: dict[int, str] = {}
    shown, due = as_rich(view.table(sweep.completed)), time.monotonic() + PLAIN_SECONDS
    columns = BarColumn(30), MofNCompleteColumn(), TextColumn("trials", markup=False), TimeRemainingColumn()
    bar = Progress(*columns, console=screen, speed_estimate_period=math.inf)  # trials may take hours
    task = bar.add_task("trials", total=total)

    def on_result(found: TrialResult) -> None:
        nonlocal shown
        bar.advance(task)
        if screen.is_terminal:
            shown = as_rich(view.table(sweep.completed))
        else:
            line = f"{bar.tasks[0].completed:.0f} of {total}: {view.one_line(found)}"
            screen.print(printable(line), soft_wrap=True)

    def on_event(worker: int, words: str) -> None:
        nonlocal due
        lines[worker] = words
        if not screen.is_terminal and time.monotonic() >= due:
            screen.print(printable(f"worker {worker + 1}: {words}"), soft_wrap=True)
            due = time.monotonic() + PLAIN_SECONDS

    def on_notice(sentence: str) -> None:
        screen.print(sentence, soft_wrap=True)

    def picture() -> Group:
        workers = [Text(printable(f"{number + 1}: {lines[number]}"), no_wrap=True) for number in sorted(lines)]
        return Group(*workers, bar, shown)  # a terminal cuts off what does not fit at the bottom

    live = Live(console=screen, get_renderable=picture, transient=True, refresh_per_second=4)
    with live if screen.is_terminal else nullcontext():
        yield on_result, on_event, on_notice


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
    due = None
    screen = console(stderr=True, width=200)

    def show(position: TrainSnapshot) -> None:
        nonlocal due
        due = due or time.monotonic() + PLAIN_SECONDS
        if time.monotonic() >= due:
            screen.print(str(position.row))
            due = time.monotonic() + PLAIN_SECONDS

    return show
