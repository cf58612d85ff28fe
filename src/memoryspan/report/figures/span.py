"""The picture of a sweep: for each task a panel of accuracy against length, a line for each model, and one of spans.

All panels share the axis of lengths. Where lines cover each other, their marks differ in size.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from memoryspan.report.curves import Curve, curves_of, one_chance, over_seeds, points_of
from memoryspan.report.figures.style import (
    COLOURS,
    DASHES,
    GREY,
    POINTS,
    accuracy_axis,
    keep,
    mark,
    new_figure,
    plain,
    tick_lengths,
)
from memoryspan.spans.held import THRESHOLD
from memoryspan.spans.summary import Median, SpanSummary, summarise
from memoryspan.spec import Spec
from memoryspan.sweeps.trial import TrialResult

FILE = "span.png"
"""The name of the picture in a sweep, and in a run."""


CURVES, ROW = 3.4, 0.32
"""Inches: the height of a panel of curves, and of a model in a panel of spans."""

LEARNED, HELD = 0.2, -0.2
"""The distance of a span from the middle of its row."""


def draw_span(results: Sequence[TrialResult], path: Path, name: Callable[[Spec], str] = str) -> Path:
    """Draw the curves and spans of all results, as `draw_curves` does; `name` gives the name of a task or a model."""
    spans: dict[str, dict[str, SpanSummary]] = {}
    for row in summarise(results):
        if row.seeds:
            spans.setdefault(name(row.task), {})[name(row.model)] = row
    return draw_curves(curves_of(results, name), path, spans)


def draw_curves(
    by_task: Mapping[str, Mapping[str, Sequence[Curve]]],
    path: Path,
    spans: Mapping[str, Mapping[str, SpanSummary]] | None = None,
) -> Path:
    """Draw curves by task and by model, one for each seed, as .png and .svg, and return the path of the .png.

    Thin lines are single seeds. Where all seeds of a model were measured, their median is drawn thick, with a band from
    the worst to the best. `spans`, by task and by model, are drawn below the curves of their task.
    """
    spans = spans or {}
    heights = [height for task in by_task for height in (CURVES, *_height_of(spans.get(task)))]
    figure = new_figure(7.5, 0.6 + sum(heights))
    panels = iter(figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights, sharex=True)[:, 0])
    for task, by_model in by_task.items():
        axes = next(panels)
        for number, (model, curves) in enumerate(by_model.items()):
            _draw_model(axes, model, curves, number, len(by_model))
        _finish(axes, task, [curve for curves in by_model.values() for curve in curves])
        if task in spans:
            axes = next(panels)
            _draw_spans(axes, spans[task], list(by_model))
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("length (time steps)")
    return keep(figure, path)


def _height_of(spans: Mapping[str, SpanSummary] | None) -> list[float]:
    return [0.3 + ROW * len(spans)] if spans else []


def _draw_spans(axes: Axes, spans: Mapping[str, SpanSummary], models: Sequence[str]) -> None:
    """Draw a row for each model: its median learned span, filled, and held span, hollow, with intervals over seeds."""
    for row, (model, found) in enumerate(spans.items()):
        number = models.index(model) if model in models else row
        for what, median, up in (("learned", found.learned, LEARNED), ("held", found.held, HELD)):
            if median is not None:
                _draw_median(axes, what, median, row - up, number)
    axes.set_ylim(len(spans) - 0.5, -0.5)
    axes.set_yticks(range(len(spans)), [_elided(model, 24) for model in spans], fontsize="small")
    axes.set_title("span: the median over seeds, and its interval", loc="left", fontsize="medium")


def _draw_median(axes: Axes, what: str, median: Median, height: float, number: int) -> None:
    """Draw a median, its interval, and the number at the right; a missing span has no place on the axis of lengths."""
    colour, point = COLOURS[number % len(COLOURS)], POINTS[number % len(POINTS)]
    if median.interval is not None and median.interval.high > 0:
        ends = max(median.interval.low, axes.get_xlim()[0]), median.interval.high
        axes.plot(ends, (height, height), color=colour, linewidth=1.5, solid_capstyle="butt")
    if median.value > 0:
        full = colour if what == "learned" else "white"
        axes.plot(median.value, height, point, color=colour, markerfacecolor=full, markersize=5, clip_on=False)
    text = f"{what} {'≥ ' if median.at_least else ''}{median.value:,.0f}" if median.value > 0 else f"{what} none"
    axes.text(1.01, height, text, transform=axes.get_yaxis_transform(), va="center", fontsize="x-small", color=GREY)


def _draw_model(axes: Axes, name: str, curves: Sequence[Curve], number: int, models: int) -> None:
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    point, above = POINTS[number % len(POINTS)], models - 1 - number
    for curve in curves:
        lengths, accuracies = points_of(curve)
        axes.plot(lengths, accuracies, color=colour, linestyle=dash, linewidth=0.6, alpha=0.6)
    lengths, low, middle, high = over_seeds(curves)
    axes.fill_between(lengths, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(
        lengths,
        middle,
        color=colour,
        linestyle=dash,
        marker=point,
        markersize=4 + 1.5 * above,
        markerfacecolor="none",
        label=_elided(name, 40),
    )


def _elided(name: str, most: int) -> str:
    """Return a name, without its middle if it is long, like the path of user code, to leave room for the panels."""
    return plain(name if len(name) <= most else f"{name[: most // 2]}…{name[-most // 2 :]}")


def _finish(axes: Axes, task: str, curves: Sequence[Curve]) -> None:
    axes.set_title(plain(task), loc="left", fontsize="medium")
    axes.set_xscale("log", base=2)
    lengths = [point.length for curve in curves for point in curve]
    tick_lengths(axes.xaxis, min(lengths), max(lengths))
    accuracy_axis(axes)
    axes.set_ylabel("accuracy\n(fresh examples)")
    mark(axes, THRESHOLD, f"mastered, {100 * THRESHOLD:.0f} %")
    if (chance := one_chance(curves)) is not None and chance < 0.9 * THRESHOLD:
        mark(axes, chance, f"chance, {100 * chance:.1f} %")
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.005, 0.9), frameon=False)
