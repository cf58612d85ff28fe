"""The picture of experiments: sequences as published against those measured, a dot an experiment."""

from collections.abc import Sequence
from math import isinf
from pathlib import Path

from matplotlib.axes import Axes

from memoryspan.report.style import BLUE, GREY, ORANGE, keep, new_figure, plain
from memoryspan.reproduce.compare import Comparison

FILE = "reproduced.png"
"""What the picture is called in a sweep."""

SIDE, ROW, NAMES = 5.0, 0.2, 3.0
"""Inches: of the square of the axes, of a name beside it, and the width of the names."""


def drawn(rows: Sequence[Comparison]) -> list[Comparison]:
    """Those that have two figures to be drawn, one against the other."""
    return [row for row in rows if row.sequences is not None and row.comparable]


def draw_reproduced(rows: Sequence[Comparison], path: Path) -> Path:
    """Draws those rows that have both figures, as .png and as .svg, and returns the path of the first.

    Filled is with the curriculum, hollow without. A triangle stands at the budget where at least half of the seeds
    never met the criterion.
    """
    rows = drawn(rows)
    figure = new_figure(SIDE + NAMES, max(SIDE, ROW * len({row.name for row in rows}) + 1))
    axes = figure.add_subplot()
    axes.set(xscale="log", yscale="log", xlabel="sequences, as published", ylabel="sequences, measured")
    for row in rows:
        _draw(axes, row)
    low, high = _bounds(rows)
    axes.plot([low, high], [low, high], color=GREY, linestyle=":", linewidth=1)
    axes.set(xlim=(low, high), ylim=(low, high))
    _name(axes, rows, low, high)
    _explain(axes)
    return keep(figure, path)


def _published(row: Comparison) -> int:
    published = row.experiment.published.sequences if row.experiment else None
    assert published is not None
    return published


def _shown(value: float, row: Comparison) -> float:
    return row.budget if isinf(value) else value


def _draw(axes: Axes, row: Comparison) -> None:
    assert row.sequences is not None
    x, y = _published(row), _shown(row.sequences, row)
    colour = BLUE if row.curriculum else ORANGE
    if row.spread:
        axes.plot([x, x], [_shown(row.spread.low, row), _shown(row.spread.high, row)], color=colour, linewidth=1)
    point = "^" if isinf(row.sequences) else "o"
    axes.plot(x, y, point, color=colour, markerfacecolor=colour if row.curriculum else "white", markersize=5)


def _bounds(rows: Sequence[Comparison]) -> tuple[float, float]:
    values = [value for row in rows for value in (_published(row), _shown(row.sequences or 1, row))]
    return min(values) / 2, max(values) * 2


def _name(axes: Axes, rows: Sequence[Comparison], low: float, high: float) -> None:
    """The names beside the axes, in the order of their dots, each with a line to its own."""
    dots = {row.name: (_published(row), _shown(row.sequences or 1, row)) for row in reversed(rows)}  # the first of each
    ordered = sorted(dots, key=lambda name: dots[name][1])
    for number, name in enumerate(ordered):
        height = low * (high / low) ** ((number + 0.5) / len(ordered))
        axes.annotate(
            plain(name),
            dots[name],
            (high * (high / low) ** 0.03, height),
            fontsize="x-small",
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.3, "shrinkB": 3, "relpos": (0, 0.5)},
        )


def _explain(axes: Axes) -> None:
    axes.plot([], [], "o", color=BLUE, label="with the curriculum")
    axes.plot([], [], "o", color=ORANGE, markerfacecolor="white", label="without")
    axes.plot([], [], "^", color=GREY, label="not within the budget")
    axes.legend(fontsize="small", loc="upper left", frameon=False)
