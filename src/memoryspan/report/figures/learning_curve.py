"""The picture of a training: accuracy and current length against examples seen.

They are two quantities, so they have a panel each, above a common axis of examples. The text below explains what the
training has of these: a plateau, where nothing is learned; a jump, where all is learned within few examples; and dips
of the accuracy where sequences grow longer, after which it recovers or the length shrinks.
"""

from collections.abc import Sequence
from itertools import pairwise
from operator import gt, lt
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from memoryspan.report.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    PALE,
    accuracy_axis,
    keep,
    mark,
    new_figure,
    plain,
    tick_lengths,
)
from memoryspan.report.jump import Jump, find_jump
from memoryspan.tasks import Task
from memoryspan.training import HistoryRow

FILE = "learning-curve.png"


CHANGES = (
    (gt, "--", "the length is mastered, and grows: on longer sequences the accuracy dips at first"),
    (lt, ":", "even what came before is lost, and the length falls"),
)
"""Changes of the current length, the line that marks each, and its meaning."""


def draw_learning_curve(history: Sequence[HistoryRow], task: Task, directory: Path) -> Path:
    """Draw the picture into a run's directory, as .png and .svg, and return the path of the .png."""
    figure = new_figure(7, 5.2)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _accuracy(above, history, task)
    _length(below, history, task)
    said = [*_explain_jump(above, find_jump(history, task)), *_explain_lengths((above, below), history)]
    if said:
        figure.legend(handles=said, loc="outside lower left", fontsize="small", frameon=False)
    return keep(figure, directory / FILE)


def _accuracy(axes: Axes, history: Sequence[HistoryRow], task: Task) -> None:
    axes.plot([row.examples for row in history], [row.accuracy for row in history], color=BLUE, marker=_point(history))
    mark(axes, task.chance, f"chance, {100 * task.chance:.1f} %" if task.chance >= 0.0005 else "chance, < 0.1 %")
    accuracy_axis(axes)
    axes.set_ylabel("accuracy\n(fresh examples of a batch)")
    axes.set_title(plain(f"{task.name}, up to {task.length:,} steps"), loc="left", fontsize="medium")


def _point(history: Sequence[HistoryRow]) -> str | None:
    """Return a marker for a single row, through which a line would be invisible."""
    return "o" if len(history) == 1 else None


def _length(axes: Axes, history: Sequence[HistoryRow], task: Task) -> None:
    examples, lengths = [row.examples for row in history], [row.length for row in history]
    axes.step(examples, lengths, color=ORANGE, where="post", marker=_point(history))
    mark(axes, task.length, f"full length, {task.length:,}")
    axes.set_yscale("log", base=2)
    tick_lengths(axes.yaxis, min(lengths), task.length)
    axes.set_ylabel("current length\n(time steps)")
    axes.set_xlabel("examples seen (each one new)")
    axes.set_xscale("log")
    few = examples[-1] < 100 * examples[0]
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _explain_jump(axes: Axes, jump: Jump | None) -> list[Patch]:
    if jump is None:
        return []
    first = axes.get_xlim()[0]
    axes.set_xlim(first)
    plateau = {"facecolor": PALE, "linewidth": 0}
    steep = {"facecolor": "none", "edgecolor": GREY, "hatch": "////", "linewidth": 0}
    axes.axvspan(jump.begins or first, jump.before.examples, zorder=0, **plateau)
    axes.axvspan(jump.before.examples, jump.after.examples, zorder=0, **steep)
    few, most = f"{100 * jump.before.accuracy:.0f} % are right", f"{100 * jump.after.accuracy:.0f} % are"
    return [
        Patch(label=f"plateau: after {jump.flat:,} examples of up to {jump.length:,} steps {few}", **plateau),
        Patch(label=f"jump: {jump.steep:,} examples later {most}", **steep),
    ]


def _explain_lengths(panels: Sequence[Axes], history: Sequence[HistoryRow]) -> list[Line2D]:
    """Draw a line at each row after which the examples become longer, and another at each after which they shrink."""
    said = []
    for changed, dashes, label in CHANGES:
        line = {"color": GREY, "linestyle": dashes, "linewidth": 0.6}
        rows = [after for before, after in pairwise(history) if changed(after.length, before.length)]
        for axes in panels:
            for row in rows:
                axes.axvline(row.examples, zorder=0, **line)
        said += [Line2D([], [], label=label, **line)] if rows else []
    return said
