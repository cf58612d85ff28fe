"""What moves in a notebook while `train` runs; anywhere else nothing does.

One display, drawn anew a few times a second: a bar for how far the curriculum is, the line that the terminal shows, and
the curves of accuracy and current length against examples. It is HTML without script; its text has the notebook's own
colour, and the two curves have colours that are seen on white and on black.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape

from memoryspan.tasks import Task
from memoryspan.training.position import TrainSnapshot
from memoryspan.training.result import HistoryRow, Status

PAUSE = 0.25
"""Seconds between two drawings, at least."""

POINTS = 200
"""Of a curve, at most about so many: a long training has thousands of rows."""

WIDTH, HEIGHT, LEFT, TOP = 240, 90, 45, 25
"""Of a panel, in pixels, and the room beside and above it for its labels."""

BLUE, ORANGE = "#2a8fd0", "#d55e00"


@contextmanager
def live_view(task: Task, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[TrainSnapshot], None]]:
    """Gives a function that shows a position while the training goes on; at its end the view says how it ended."""
    if not _in_notebook():
        yield lambda position: None
        return
    from IPython.display import DisplayHandle

    handle, rows, status, due = DisplayHandle(), [], None, -math.inf

    def draw(sentence: str = "") -> None:
        handle.update(view(task, rows, sentence), raw=True)

    def show(position: TrainSnapshot) -> None:
        nonlocal status, due
        rows.append(position.row)
        status = position.status
        if clock() >= due:
            draw()
            due = clock() + PAUSE

    handle.display(view(task, rows, "building and compiling …"), raw=True)
    try:
        yield show
    except BaseException:
        draw()  # it waits no longer; what is wrong is said elsewhere
        raise
    draw((status or Status.INTERRUPTED).message)


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def view(task: Task, rows: Sequence[HistoryRow], sentence: str) -> dict[str, str]:
    """The view as a notebook draws it, and in words for one that draws nothing."""
    words = [*map(str, rows[-1:]), *([sentence] if sentence else [])]
    return {"text/html": _html(task, rows, sentence), "text/plain": "\n".join(words)}


def _html(task: Task, rows: Sequence[HistoryRow], sentence: str) -> str:
    parts = [_bar(task, rows[-1]), _curves(task, rows)] if rows else []
    parts += [f"<div>{escape(sentence)}</div>"] if sentence else []
    return "\n".join(["<div>", *parts, "</div>"])


def _bar(task: Task, row: HistoryRow) -> str:
    title = escape(f"{task.name}, up to {task.length:,} steps")
    bar = f'<progress value="{_way(row.length, task):.3f}" max="1" aria-label="{title}"></progress>'
    return f"<div>{title}<br/>{bar} {escape(str(row))}</div>"


def _way(length: int, task: Task) -> float:
    """How far a length is on the way from the shortest to the full one; logarithmic, for lengths grow by factors."""
    if task.length == task.min_length:
        return 1.0
    return math.log(length / task.min_length) / math.log(task.length / task.min_length)


def _curves(task: Task, rows: Sequence[HistoryRow]) -> str:
    """Accuracy, and beside it the current length: two quantities, two panels."""
    every = math.ceil(len(rows) / POINTS)
    kept = [*rows[:-1:every], rows[-1]]
    x = [WIDTH * row.examples / kept[-1].examples for row in kept]
    accuracy = [HEIGHT * (1 - row.accuracy) for row in kept]
    length = [HEIGHT * (1 - _way(row.length, task)) for row in kept]
    slopes = " ".join(f"L {right:.1f} {down:.1f}" for right, down in zip(x, accuracy, strict=True))
    steps = " ".join(f"H {right:.1f} V {down:.1f}" for right, down in zip(x, length, strict=True))
    panels = [
        (
            f"accuracy (chance {100 * task.chance:.1f} %)",
            "0 %",
            "100 %",
            BLUE,
            f"M {x[0]:.1f} {accuracy[0]:.1f} {slopes}",
        ),
        (
            "length (time steps)",
            f"{task.min_length:,}",
            f"{task.length:,}",
            ORANGE,
            f"M {x[0]:.1f} {length[0]:.1f} {steps}",
        ),
    ]
    return "".join(_panel(*panel, seen=f"{kept[-1].examples:,} examples") for panel in panels)


def _panel(title: str, low: str, high: str, colour: str, path: str, seen: str) -> str:
    """A curve between two lines, named at their left ends, against the examples seen."""
    wide, tall = LEFT + WIDTH + 5, TOP + HEIGHT + 20
    return f"""
<svg width="{wide}" height="{tall}" viewBox="{-LEFT} {-TOP} {wide} {tall}" style="max-width: 100%"
  fill="currentColor" font-size="11" role="img" aria-label="{title}">
<path d="M 0 0 H {WIDTH} M 0 {HEIGHT} H {WIDTH}" stroke="currentColor" stroke-opacity="0.3"/>
<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>
<text y="-8">{title}</text>
<text x="-6" y="4" text-anchor="end">{high}</text>
<text x="-6" y="{HEIGHT + 4}" text-anchor="end">{low}</text>
<text x="{WIDTH}" y="{HEIGHT + 15}" text-anchor="end">{seen}</text>
</svg>"""
