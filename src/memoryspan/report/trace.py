"""The picture of a trace: one panel an array, units over steps, along the symbols of the sequence.

The units of a layer stand in one order in all of its panels: by the step at which their state (the cell state, or the
last array where there is none) first goes half as far from 0 as it ever does, so that those which react to the same
steps stand together. States and candidates have a colour map around 0, gates one from shut to open; both change
steadily in brightness, and so are read in grey too. A step that the model masks has no gates, and is hatched.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Num
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap

from memoryspan.engine.trace import LayerTrace
from memoryspan.report.style import BLUE, GREY, ORANGE, new_figure
from memoryspan.runs import atomic
from memoryspan.tracing import Trace

FILE = "trace.png"

SOURCE = "memoryspan trace"
"""What the files of a trace carry inside, by which they are known again."""

GATES = ("input", "forget", "output", "update", "reset")
"""Arrays that go from 0 to 1; all others are drawn around 0."""

AROUND_ZERO = LinearSegmentedColormap.from_list("around zero", ["#00204d", "#0072b2", "#a6a6a6", "#f0b400", "#fffbe0"])
FROM_ZERO = LinearSegmentedColormap.from_list("from zero", ["#ffffff", "#999999", "#000000"])

STEP, NARROWEST, WIDEST = 0.2, 8.0, 18.0
"""Inches: of a step, and of the least and the greatest width of all steps together."""

UNIT, LOWEST, HIGHEST = 0.045, 0.5, 1.8
"""Inches: of a unit, and of the least and the greatest height of all units of a panel."""

SYMBOL, UPRIGHT = 0.16, 0.09
"""Inches that a symbol takes of the axis, and that it takes turned upright."""


class Panel(NamedTuple):
    """One panel: its height in inches, what is drawn into it, and whether it has a bar of colours."""

    height: float
    draw: Callable[..., None]
    coloured: bool


def draw_trace(
    trace: Trace, path: Path, row: int = 0, saliency: Float[np.ndarray, "batch time"] | None = None, title: str = ""
) -> Path:
    """Draws what a model did with one sequence of a trace into a file, .png or .svg, and returns its path.

    From above: the answer at every step, where it comes from (`saliency`), and the arrays of each layer. Raises
    `OSError` where the file cannot be written.
    """
    steps = int(trace.lengths[row])
    panels = [*_lines(trace, row, saliency), *_maps(trace, row)]
    width = _width(steps)
    heights = [panel.height for panel in panels]
    first_map = [panel.coloured for panel in panels].index(True)
    figure = new_figure(width + 1.5, sum(heights) + 0.36 * len(heights) + 0.7)
    grid = figure.add_gridspec(len(panels), 2, width_ratios=(width, 0.12), height_ratios=heights)
    for number, panel in enumerate(panels):
        axes = figure.add_subplot(grid[number, 0])
        panel.draw(axes, *([figure.add_subplot(grid[number, 1])] if panel.coloured else []))
        _mark_steps(axes, trace.inputs[row], width / steps, named=number in (first_map - 1, len(panels) - 1))
    figure.suptitle(title, x=0.01, ha="left", fontsize="large")
    with atomic.replacing(path) as temporary:
        no_date = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(temporary, format=path.suffix[1:], metadata={"Source": SOURCE, **no_date})
    return path


def _width(steps: int) -> float:
    return min(max(STEP * steps, NARROWEST), WIDEST)


def _lines(trace: Trace, row: int, saliency: Float[np.ndarray, "batch time"] | None) -> Iterator[Panel]:
    steps = int(trace.lengths[row])
    if trace.predictions is not None and trace.predictions.shape[1] == trace.lengths.max():
        yield Panel(1.1, partial(_draw_answer, outputs=trace.predictions[row, :steps]), coloured=False)
    if saliency is not None:
        yield Panel(0.7, partial(_draw_saliency, slopes=saliency[row, :steps]), coloured=False)


def _draw_answer(axes: Axes, outputs: Float[np.ndarray, "time outputs"]) -> None:
    """The last step's answer over time, and, named, what the model would answer at each step."""
    steps, classes = np.arange(len(outputs)), outputs.argmax(-1)
    last = classes[-1]
    point = "o" if len(outputs) <= 60 else None
    axes.set_title("answer, if the sequence ended at this step", loc="left", fontsize="small", pad=14)
    if outputs.shape[1] == 1:
        axes.plot(steps, outputs[:, 0], color=BLUE, marker=point, markersize=3)
        axes.set_ylabel("answer", fontsize="small")
        return
    axes.plot(steps, outputs.max(-1), color=GREY, linestyle=":", label="most probable")
    axes.plot(steps, outputs[:, last], color=BLUE, marker=point, markersize=3, label=f"final answer, {last}")
    if ((outputs >= 0) & (outputs <= 1)).all():
        axes.set_ylim(-0.05, 1.05)
        axes.set_ylabel("probability", fontsize="small")
    else:
        axes.set_ylabel("output", fontsize="small")
    for step in _named_changes(classes):
        axes.text(step, 1.03, classes[step], transform=axes.get_xaxis_transform(), ha="center", fontsize=6, color=GREY)
    axes.legend(fontsize="x-small", loc="lower right", bbox_to_anchor=(1, 1.12), ncols=2, frameon=False, borderpad=0)


def _named_changes(classes: Int[np.ndarray, "time"]) -> list[int]:
    """The steps at which another answer begins, without those that have no room beside one that lasts longer."""
    begins = np.flatnonzero(np.diff(classes, prepend=-1))
    lasts = np.diff(begins, append=len(classes))
    least = SYMBOL / _width(len(classes)) * len(classes)
    kept: list[int] = []
    for step in begins[np.argsort(-lasts, kind="stable")]:
        if all(abs(step - other) >= least for other in kept):
            kept.append(int(step))
    return kept


def _draw_saliency(axes: Axes, slopes: Float[np.ndarray, "time"]) -> None:
    axes.bar(np.arange(len(slopes)), slopes, width=0.8, color=ORANGE)
    axes.set_title("where the final answer comes from: |∂ answer / ∂ input|", loc="left", fontsize="small")
    axes.set_ylim(0, None)
    axes.set_ylabel("gradient", fontsize="small")
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.yaxis.get_offset_text().set_fontsize(6)


def _maps(trace: Trace, row: int) -> Iterator[Panel]:
    vectors = trace.inputs[row]
    if vectors.ndim == 2 and not _is_one_hot(vectors):
        yield _map("input", vectors.T, "features")
    for layer in trace.layers:
        order = order_of_units(layer, row)
        for name, array in layer.arrays.items():
            title = f"{layer.name} ({layer.kind}): {name}{' gate' if name in GATES else ''}"
            yield _map(title, _steps_of(array[row])[:, order].T, "units", name in GATES)


def order_of_units(layer: LayerTrace, row: int) -> Int[np.ndarray, "units"]:
    """By the step at which a unit's state first goes half as far from 0 as it ever does; within a step by the state."""
    states = _steps_of(layer.arrays.get("cell", [*layer.arrays.values()][-1])[row])
    far = np.nan_to_num(np.abs(states))
    step = (far >= far.max(0) / 2).argmax(0)
    return np.lexsort((states[step, np.arange(states.shape[1])], step))


def _steps_of(array: Float[np.ndarray, "time units"]) -> Float[np.ndarray, "steps units"]:
    """The steps up to the last one that is not NaN."""
    there = np.flatnonzero(~np.isnan(array).all(-1))
    return array[: there[-1] + 1] if there.size else array


def _map(title: str, values: Num[np.ndarray, "units time"], what: str, gate: bool = False) -> Panel:
    height = min(max(UNIT * len(values), LOWEST), HIGHEST)
    return Panel(height, partial(_draw_map, title=title, values=values, what=what, gate=gate), coloured=True)


def _draw_map(axes: Axes, bar: Axes, title: str, values: Num[np.ndarray, "units time"], what: str, gate: bool) -> None:
    colours, low, high = _colours(values, gate)
    axes.patch.set(facecolor="white", edgecolor=GREY, hatch="////", linewidth=0)  # shows where there is nothing
    image = axes.imshow(
        np.ma.masked_invalid(values), aspect="auto", interpolation="nearest", cmap=colours, vmin=low, vmax=high
    )
    axes.set_title(title, loc="left", fontsize="small")
    axes.set_ylabel(f"{len(values)} {what}", fontsize="small")
    axes.set_yticks([])
    axes.figure.colorbar(image, cax=bar, ticks=[low, (low + high) / 2, high], format="%.2g")
    bar.tick_params(labelsize=6)


def _colours(values: Num[np.ndarray, "units time"], gate: bool) -> tuple[Colormap, float, float]:
    """The map, and the values at its two ends."""
    if gate:
        return FROM_ZERO, 0.0, 1.0
    farthest = float(np.nanmax(np.abs(values), initial=0)) or 1.0
    return AROUND_ZERO, -farthest, farthest


def _mark_steps(axes: Axes, inputs: Num[np.ndarray, "time *features"], inches: float, named: bool) -> None:
    """The symbols of the sequence under the panel, each at its step, as many as have room; of vectors, the steps."""
    axes.set_xlim(-0.5, len(inputs) - 0.5)
    axes.tick_params(labelsize=6, labelbottom=named)
    every = int(np.ceil(UPRIGHT / inches))
    if inputs.ndim == 1 or _is_one_hot(inputs):
        symbols = inputs if inputs.ndim == 1 else inputs.argmax(-1)
        axes.set_xticks(np.arange(0, len(inputs), every), [str(symbol) for symbol in symbols[::every]])
        axes.tick_params(axis="x", rotation=90 if inches < SYMBOL else 0)
    if named:
        shown = "" if every == 1 else f", one symbol in {every} shown"
        axes.set_xlabel(f"the sequence, {len(inputs):,} steps{shown}", fontsize="x-small")


def _is_one_hot(vectors: Num[np.ndarray, "time features"]) -> bool:
    return bool(((vectors == 0) | (vectors == 1)).all() and (vectors.sum(-1) == 1).all())
