"""The picture of a training: accuracy and current length against examples seen.

Both share the axis of examples, in two panels, because they are two quantities: first the symbols are learned (a
plateau, then a jump of the accuracy), then each doubling of the length costs the accuracy a dip from which it recovers.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from memoryspan.report.style import BLUE, ORANGE, accuracy_axis, mark, new_figure, save
from memoryspan.tasks import Task
from memoryspan.training import Row

FILE = "learning-curve.png"


def draw_learning_curve(history: Sequence[Row], task: Task, directory: Path) -> Path:
    """Draws the picture into a run's directory, and returns its path."""
    figure = new_figure(7, 4.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _accuracy(above, history, task)
    _length(below, history, task)
    return save(figure, directory / FILE)


def _accuracy(axes: Axes, history: Sequence[Row], task: Task) -> None:
    axes.plot([row.examples for row in history], [row.accuracy for row in history], color=BLUE, marker=_point(history))
    mark(axes, task.chance, f"chance, {task.chance:.1%}")
    accuracy_axis(axes)
    axes.set_ylabel("accuracy\n(fresh examples of a batch)")
    axes.set_title(f"{task.name}, up to {task.length:,} steps", loc="left", fontsize="medium")


def _point(history: Sequence[Row]) -> str | None:
    """A line through one point alone is not seen."""
    return "o" if len(history) == 1 else None


def _length(axes: Axes, history: Sequence[Row], task: Task) -> None:
    examples, lengths = [row.examples for row in history], [row.length for row in history]
    axes.step(examples, lengths, color=ORANGE, where="post", marker=_point(history))
    mark(axes, task.length, f"full length, {task.length:,}")
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylabel("current length\n(time steps)")
    axes.set_xlabel("examples seen (each one new)")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
