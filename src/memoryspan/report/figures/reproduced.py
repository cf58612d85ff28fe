"""The picture of experiments: published against measured sequences, with a dot for each experiment."""

from collections.abc import Sequence
from math import isinf
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from memoryspan.report.figures.style import BLUE, GREY, ORANGE, keep, new_figure, plain
from memoryspan.reproduce.compare import Comparison

FILE = "reproduced.png"
"""The name of the picture in a sweep."""

SIDE, ROW, NAMES = 5.0, 0.2, 3.0
"""In inches: the side of the square of the axes, the height of a name beside it, and the width of the names."""

BESIDE = 1.03
"""Where the names begin, in sides of that square from its left edge."""


class Dot(NamedTuple):
    """A row that has both figures."""

    name: str
    curriculum: bool
    solved: bool
    """Whether at least half of the seeds met the criterion; else `measured` is their budget."""
    published: int
    measured: float
    low: float
    high: float


def dots(rows: Sequence[Comparison]) -> list[Dot]:
    """Return the dots of the comparisons that have both figures."""
    return [
        Dot(row.name, row.trial.curriculum, not isinf(row.sequences), row.published, *_heights(row, row.sequences))
        for row in rows
        if row.published is not None and row.sequences is not None
    ]


def _heights(row: Comparison, sequences: float) -> tuple[float, ...]:
    """Return the median and the ends of its interval, with the budget in place of what is infinite."""
    values = (sequences, row.spread.low, row.spread.high) if row.spread else (sequences,) * 3
    return tuple(row.budget if isinf(value) else value for value in values)


def draw_reproduced(dots: Sequence[Dot], path: Path) -> Path:
    """Draw at least one dot, as .png and .svg, and return the path of the .png.

    Dots are filled with the curriculum, and hollow without it. A triangle marks the budget where at least half of
    the seeds never met the criterion.
    """
    figure = new_figure(SIDE + NAMES, max(SIDE, ROW * len({dot.name for dot in dots}) + 1))
    axes = figure.add_subplot()
    axes.set(xscale="log", yscale="log", xlabel="sequences, as published", ylabel="sequences, measured")
    for dot in dots:
        _draw(axes, dot)
    values = [value for dot in dots for value in (dot.published, dot.low, dot.high)]
    low, high = min(values) / 2, max(values) * 2
    axes.plot([low, high], [low, high], color=GREY, linestyle=":", linewidth=1)
    axes.set(xlim=(low, high), ylim=(low, high))
    _name(axes, dots, low, high)
    _explain(axes)
    return keep(figure, path)


def _draw(axes: Axes, dot: Dot) -> None:
    colour = BLUE if dot.curriculum else ORANGE
    axes.plot([dot.published] * 2, [dot.low, dot.high], color=colour, linewidth=1)
    point, inside = "o" if dot.solved else "^", colour if dot.curriculum else "white"
    axes.plot(dot.published, dot.measured, point, color=colour, markerfacecolor=inside, markersize=5)


def _name(axes: Axes, dots: Sequence[Dot], low: float, high: float) -> None:
    """Draw the names beside the axes, each with a line to the first of its dots."""
    first = {dot.name: dot for dot in reversed(dots)}.values()
    points = np.log([(dot.published / low, dot.measured / low) for dot in first]) / np.log(high / low)
    for dot, height in zip(first, heights(points), strict=True):
        axes.annotate(
            plain(dot.name),
            (dot.published, dot.measured),
            (low * (high / low) ** BESIDE, low * (high / low) ** height),
            fontsize="x-small",
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.3, "shrinkB": 3, "relpos": (0, 0.5)},
        )


def heights(points: Float[np.ndarray, "names 2"]) -> Float[np.ndarray, "names"]:
    """Return the height beside the unit square of the name of each point, so that no two of the lines to them cross.

    From the lowest height up, each takes the point in the lowest direction: all others, and their heights, are above.
    """
    places, free = np.empty(len(points)), list(range(len(points)))
    for number in range(len(points)):
        place = (number + 0.5) / len(points)
        lowest = min(free, key=lambda point: (points[point, 1] - place) / (BESIDE - points[point, 0]))
        free.remove(lowest)
        places[lowest] = place
    return places


def _explain(axes: Axes) -> None:
    axes.plot([], [], "o", color=BLUE, label="with the curriculum")
    axes.plot([], [], "o", color=ORANGE, markerfacecolor="white", label="without")
    axes.plot([], [], "^", color=ORANGE, markerfacecolor="white", label="not within the budget, at which it stands")
    axes.legend(fontsize="small", loc="upper left", frameon=False)
