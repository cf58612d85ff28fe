"""The live view of a training in a notebook; anywhere else nothing is shown.

One display, redrawn a few times a second: a bar for the progress of the length, the line that the terminal prints, and
the curves of accuracy and current length against examples. It is HTML without script, which a notebook that is not
trusted shows as well; its text has the notebook's own colour, and the two curves have colours that are visible on white
and on black. Drawing takes a millisecond; Matplotlib takes more than half a second for the same, and would slow the
training down, which waits for each drawing.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

from memoryspan.tasks import Task

if TYPE_CHECKING:
    from memoryspan.training import HistoryRow

PAUSE = 0.25
"""The least number of seconds between two drawings."""

POINTS = 200
"""The number of points of a curve, at most about: a long training has thousands of rows."""

WIDTH, HEIGHT, LEFT, TOP = 240, 90, 45, 25
"""The size of a panel, in pixels, and the margins beside and above it for its labels."""

BLUE, ORANGE = "#2a8fd0", "#d55e00"


@contextmanager
def live_view(task: Task, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[..., None]]:
    """Yield show(rows, message=""), which draws the history so far: now and then, and always with a message."""
    if not _in_notebook():
        yield lambda rows, message="": None
        return
    from IPython.display import DisplayHandle

    handle, latest, due = DisplayHandle(), (), -math.inf

    def show(rows: "Sequence[HistoryRow]", message: str = "") -> None:
        nonlocal latest, due
        latest = rows
        if message or clock() >= due:
            handle.update(view(task, rows, message), raw=True)
            due = clock() + PAUSE

    handle.display(view(task, (), "building and compiling …"), raw=True)
    try:
        yield show
    except BaseException:
        handle.update(view(task, latest, ""), raw=True)  # the error itself is shown elsewhere
        raise


def _in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def view(task: Task, rows: "Sequence[HistoryRow]", message: str) -> dict[str, str]:
    """Return the view as HTML, and as text for a notebook that draws nothing."""
    lines = [*map(str, rows[-1:]), *([message] if message else [])]
    return {"text/html": _html(task, rows, message), "text/plain": "\n".join(lines)}


def _html(task: Task, rows: "Sequence[HistoryRow]", message: str) -> str:
    parts = [_bar(task, rows[-1]), _curves(task, rows)] if rows else []
    parts += [f"<div>{escape(message)}</div>"] if message else []
    return "\n".join(["<div>", *parts, "</div>"])


def _bar(task: Task, row: "HistoryRow") -> str:
    title = escape(f"{task.name}, up to {task.length:,} steps")
    bar = f'<progress value="{_progress(row.length, task):.3f}" max="1" aria-label="{title}"></progress>'
    return f"<div>{title}<br/>{bar} {escape(str(row))}</div>"


def _progress(length: int, task: Task) -> float:
    """Return how far a length is from the shortest to the full one, from 0 to 1, on a logarithmic scale."""
    if task.length == task.min_length:
        return 1.0
    return math.log(length / task.min_length) / math.log(task.length / task.min_length)


def _curves(task: Task, rows: "Sequence[HistoryRow]") -> str:
    """Return the panels of accuracy and of the current length, which are two quantities."""
    every = math.ceil(len(rows) / POINTS)
    kept = [*rows[:-1:every], rows[-1]]
    x = [WIDTH * row.examples / kept[-1].examples for row in kept]
    accuracy = [HEIGHT * (1 - row.accuracy) for row in kept]
    length = [HEIGHT * (1 - _progress(row.length, task)) for row in kept]
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
    """Return a curve between two lines, named at their left ends, against the examples seen."""
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
