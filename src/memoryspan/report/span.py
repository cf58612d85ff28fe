"""The picture of a sweep: accuracy against length, a line a model, a panel a task."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from memoryspan.named import Named
from memoryspan.report.style import COLOURS, DASHES, POINTS, accuracy_axis, mark, new_figure, save
from memoryspan.runs.record import Measured
from memoryspan.spans.cell import Answer
from memoryspan.spans.held import THRESHOLD

FILE = "span.png"
"""What the picture is called in a sweep, and in a run."""

Curve = Sequence[Measured]
"""The accuracy of one trained model, by length."""


def draw_span(answers: Sequence[Answer], path: Path, name: Callable[[Named], str] = str) -> Path:
    """Draws the curves of all cells that were answered; `name` is what a task or a model is called in the picture."""
    return draw_curves(curves_of(answers, name), path)


def draw_curves(by_task: Mapping[str, Mapping[str, Sequence[Curve]]], path: Path) -> Path:
    """Draws curves by task and by model, one a seed, into a file, .png or .svg, and returns its path.

    Thin lines are single seeds. Where all seeds of a model were measured, their median is drawn thick, with a band from
    the worst to the best.
    """
    figure = new_figure(7.5, 0.6 + 3.4 * len(by_task))
    panels = figure.subplots(len(by_task), 1, squeeze=False)[:, 0]
    for axes, (task, by_model) in zip(panels, by_task.items(), strict=True):
        for number, (model, curves) in enumerate(by_model.items()):
            _draw_model(axes, model, curves, number)
        _finish(axes, task, [curve for curves in by_model.values() for curve in curves])
    panels[-1].set_xlabel("length (time steps)")
    return save(figure, path)


def curves_of(answers: Sequence[Answer], name: Callable[[Named], str]) -> dict[str, dict[str, list[Curve]]]:
    """Curves by task and by model, in the order of the cells."""
    groups: dict[str, dict[str, list[Curve]]] = {}
    for answer in answers:
        if answer.found is not None and answer.found.curve:
            by_model = groups.setdefault(name(answer.cell.task), {})
            by_model.setdefault(name(answer.cell.model), []).append(answer.found.curve)
    return groups


def _draw_model(axes: Axes, name: str, curves: Sequence[Curve], number: int) -> None:
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    point = POINTS[number % len(POINTS)]
    for curve in curves:
        lengths, accuracies = _points(curve)
        axes.plot(lengths, accuracies, color=colour, linestyle=dash, linewidth=0.6, alpha=0.6)
    lengths, low, middle, high = over_seeds(curves)
    axes.fill_between(lengths, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(lengths, middle, color=colour, linestyle=dash, marker=point, markersize=4, label=name)


def over_seeds(curves: Sequence[Curve]) -> tuple[Float[np.ndarray, "lengths"], ...]:
    """Lengths that all curves reach, and the least, median and greatest accuracy there.

    Between two lengths that were measured a curve is taken to be straight over the logarithm of the length.
    """
    points = [_points(curve) for curve in curves]
    first, last = max(lengths[0] for lengths, _ in points), min(lengths[-1] for lengths, _ in points)
    lengths = np.unique(np.concatenate([lengths for lengths, _ in points]))
    lengths = lengths[(lengths >= first) & (lengths <= last)]
    heights = np.array([np.interp(np.log(lengths), np.log(own), accuracies) for own, accuracies in points])
    return lengths, heights.min(0), np.median(heights, 0), heights.max(0)


def _points(curve: Curve) -> tuple[Float[np.ndarray, "lengths"], Float[np.ndarray, "lengths"]]:
    return np.array([point.length for point in curve], float), np.array([point.value for point in curve])


def _finish(axes: Axes, task: str, curves: Sequence[Curve]) -> None:
    axes.set_title(task, loc="left", fontsize="medium")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    accuracy_axis(axes)
    axes.set_ylabel("accuracy\n(fresh examples)")
    mark(axes, THRESHOLD, f"{THRESHOLD:.0%}")
    chances = {point.chance for curve in curves for point in curve}
    if len(chances) == 1 and (chance := chances.pop()) < 0.9 * THRESHOLD:
        mark(axes, chance, f"chance, {chance:.1%}")
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.005, 0.9), frameon=False)
