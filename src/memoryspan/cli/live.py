"""What moves on the terminal while one waits; on standard error, so that standard output stays the result.

Where standard error is not a terminal a plain line now and then takes its place.
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

from memoryspan.cli.table import Cells, table
from memoryspan.spans.held import Held, held_span
from memoryspan.sweeps.result import Answer
from memoryspan.sweeps.sweep import Sweep
from memoryspan.training import TrainSnapshot

PLAIN_SECONDS = 10
"""Between two lines where there is no terminal."""


@contextmanager
def counting(noun: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for `done` of `total`, if that is known; it appears with the first call."""
    columns = BarColumn(), MofNCompleteColumn(), TextColumn(noun), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = None

        def show(done: int, total: int | None) -> None:
            nonlocal task
            if task is None:
                task = progress.add_task(noun, total=total)
            progress.update(task, completed=done)

        yield show


def measured_span(model, task, max_length: int) -> Held:
    """How far a model holds, with a bar while that is measured."""
    with counting("lengths") as progress:
        seen = count(1)
        return held_span(model, task, max_length=max_length, on_accuracy=lambda accuracy: progress(next(seen), None))


@contextmanager
def training(min_length: int, max_length: int) -> Iterator[Callable[[TrainSnapshot], None]]:
    """The live line of a training: how far the curriculum is, and how fast."""
    console = Console(stderr=True)
    if not console.is_terminal or console.options.ascii_only:  # in ASCII neither a bar nor a spinner can be drawn
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

    with Live(console=console, get_renderable=picture, transient=True, refresh_per_second=12):
        yield show


@contextmanager
def sweeping(
    sweep: Sweep, total: int, cells_of: Callable[[Sequence[Answer]], Cells], line_of: Callable[[Answer], str]
) -> Iterator[tuple[Callable, Callable]]:
    """(on_answer, on_event): what `run` calls, to show the table as it fills and a line a worker.

    `line_of` an answer takes the place of the table where there is no terminal.
    """
    console = Console(stderr=True)
    done, lines = [], {}
    shown, due = table(cells_of(sweep.answered)), time.monotonic() + PLAIN_SECONDS

    def on_answer(answer: Answer) -> None:
        nonlocal shown
        done.append(answer)
        if console.is_terminal:
            shown = table(cells_of(sweep.answered))
        else:
            console.print(f"{len(done)} of {total}: {line_of(answer)}", highlight=False, soft_wrap=True)

    def on_event(worker: int, sentence: str) -> None:
        nonlocal due
        lines[worker] = sentence
        if not console.is_terminal and time.monotonic() >= due:
            console.print(f"worker {worker + 1}: {sentence}", highlight=False, soft_wrap=True)
            due = time.monotonic() + PLAIN_SECONDS

    def picture() -> Group:
        bar = ProgressBar(total=total, completed=len(done), width=30)
        workers = [Text(f"{number + 1}: {lines[number]}", no_wrap=True) for number in sorted(lines)]
        return Group(*workers, bar, shown)  # a terminal cuts off what does not fit at the bottom

    live = Live(console=console, get_renderable=picture, transient=True, refresh_per_second=4)
    with live if console.is_terminal else nullcontext():
        yield on_answer, on_event


def _line(position: TrainSnapshot, min_length: int, max_length: int, spinner: Spinner, waited: float) -> Table:
    """Where it stands; far out a chunk of updates, or a look at a thousand fresh examples, takes its time."""
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
    console = Console(stderr=True, width=200)

    def show(position: TrainSnapshot) -> None:
        nonlocal due
        due = due or time.monotonic() + PLAIN_SECONDS
        if time.monotonic() >= due:
            console.print(str(position.row), highlight=False)
            due = time.monotonic() + PLAIN_SECONDS

    return show
