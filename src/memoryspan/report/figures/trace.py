"""The picture of a trace: a panel for each array, units over steps, along the symbols of the sequence.

The units of a layer have the same order in all of its panels: by the step at which their state (the cell state, or the
last array where there is none) first goes half as far from 0 as it ever does, so that units which react to the same
steps are neighbours. States and candidates have a colour map around 0, gates one from shut to open; both change
steadily in brightness, so they can be read in grey. A step that the model masks has no gates, and is hatched.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Num
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from memoryspan.engine.trace import LayerTrace
from memoryspan.inference.trace import Trace
from memoryspan.report.figures import answers
from memoryspan.report.figures.answers import Expectation, draw_answers, width_of
from memoryspan.report.figures.style import GREY, ORANGE, new_figure, plain, save
from memoryspan.report.scales import FAR, GATES, RESOLVED

FILE = "trace.png"

SOURCE = "memoryspan trace"
"""A mark in the files of a trace, by which they are recognised."""


STATES = ("cell", "hidden")


AROUND_ZERO = LinearSegmentedColormap.from_list("around zero", ["#00204d", "#0072b2", "#a6a6a6", "#f0b400", "#fffbe0"])
FROM_ZERO = LinearSegmentedColormap.from_list("from zero", ["#ffffff", "#999999", "#000000"])

STEP, NARROWEST, WIDEST = 0.2, 8.0, 18.0
"""In inches: the width of a step, and the least and the greatest width of all steps together."""

UNIT, LOWEST, HIGHEST = 0.045, 0.5, 1.8
"""In inches: the height of a unit, and the least and the greatest height of a panel."""

UPRIGHT = 0.09
"""The width of a symbol that is turned upright, in inches."""

SMALL = 6
"""The size of tick labels, in points."""

BARS = 0.7
"""The height of a panel of bars, in inches."""

FEW = 4
"""The maximum number of features of real vectors for which each has a panel of its own."""


class Panel(NamedTuple):
    """A panel: its height in inches, the function that draws it, and whether it has a colour bar."""

    height: float
    draw: Callable[..., None]
    coloured: bool


def draw_trace(
    trace: Trace,
    path: Path,
    row: int = 0,
    *,
    return_sequences: bool = False,
    expectation: Expectation | None = None,
    saliency: Float[np.ndarray, "batch time"] | None = None,
    title: str = "",
) -> Path:
    """Draw one sequence of a trace into a file, .png or .svg, and return its path.

    From the top: the answers along the sequence, where the last of them comes from, and the arrays of each layer.
    Raises `OSError` where the file cannot be written.

    Args:
        trace: the trace of a model on some sequences.
        path: the file.
        row: the number of the sequence.
        return_sequences: whether the model answers once or at every step.
        expectation: the answers that the task expects, if it is known.
        saliency: the saliency of the last expected answer, or else of the answer at the last step.
        title: the title above all panels.
    """
    steps = int(trace.lengths[row])
    lines, maps = [*_lines(trace, row, return_sequences, expectation, saliency)], [*_maps(trace, row)]
    panels = lines + maps
    width = _width(steps)
    heights = [panel.height for panel in panels]
    figure = new_figure(width + 1.5, sum(heights) + 0.36 * len(heights) + 0.9)
    grid = figure.add_gridspec(len(panels), 2, width_ratios=(width, 0.12), height_ratios=heights)
    for number, panel in enumerate(panels):
        axes = figure.add_subplot(grid[number, 0])
        panel.draw(axes, *([figure.add_subplot(grid[number, 1])] if panel.coloured else []))
        _mark_steps(axes, trace.inputs[row], width / steps, named=number in (len(lines) - 1, len(panels) - 1))
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize="large")
    return save(figure, path, Source=SOURCE)


def _width(steps: int) -> float:
    return min(max(STEP * steps, NARROWEST), WIDEST)


def _lines(
    trace: Trace,
    row: int,
    return_sequences: bool,
    expectation: Expectation | None,
    saliency: Float[np.ndarray, "batch time"] | None,
) -> Iterator[Panel]:
    """Return the panels without colours: a few real features, the answers, and where the last of them comes from."""
    inputs, steps = trace.inputs[row], int(trace.lengths[row])
    vectors = inputs.reshape(steps, -1)
    if not _is_symbols(inputs) and vectors.shape[1] <= FEW:
        for number, values in enumerate(vectors.T):
            draw = partial(_draw_bars, heights=values, colour=GREY, title=f"input: feature {number}", what="value")
            yield Panel(BARS, draw, coloured=False)
    if trace.predictions is not None and trace.predictions.shape[1] == trace.lengths.max():
        outputs, inches = trace.predictions[row, :steps], _width(steps) / steps
        what = {"return_sequences": return_sequences, "expectation": expectation, "of_classes": trace.of_classes}
        draw = partial(draw_answers, outputs=outputs, inches=inches, **what)
        yield Panel(answers.HEIGHT, draw, coloured=False)
    if saliency is not None:
        slopes = saliency[row, :steps]
        title = _origin(inputs, slopes, return_sequences, expectation)
        draw = partial(_draw_bars, heights=slopes, colour=ORANGE, title=title, what="gradient")
        yield Panel(BARS, draw, coloured=False)


def _origin(
    inputs: Num[np.ndarray, "time *features"],
    slopes: Float[np.ndarray, "time"],
    return_sequences: bool,
    expectation: Expectation | None,
) -> str:
    """Return the title of the saliency: the answer that it is of, and the step where it is greatest."""
    if not return_sequences:
        which = "the final answer"
    elif expectation is None:
        which = f"the last answer, that at step {len(slopes) - 1:,},"
    else:
        which = f"the last answer asked for, that at step {expectation.steps[-1]:,},"
    most = int(np.nan_to_num(slopes).argmax())
    symbol = f", symbol {_symbols(inputs)[most]}" if _is_symbols(inputs) else ""
    return f"where {which} comes from: |∂ answer / ∂ input|, greatest at step {most:,}{symbol}"


def _draw_bars(axes: Axes, heights: Float[np.ndarray, "time"], colour: str, title: str, what: str) -> None:
    """Draw a bar for each step, at least as wide as a line."""
    axes.bar(np.arange(len(heights)), heights, width=max(0.8, len(heights) / 1000), color=colour)
    axes.set_title(title, loc="left", fontsize="small")
    axes.set_ylim(min(0, *heights) * 1.05, max(0, *heights) * 1.05 or 1)
    axes.set_ylabel(what, fontsize="small")
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.yaxis.get_offset_text().set_fontsize(SMALL)


def _maps(trace: Trace, row: int) -> Iterator[Panel]:
    vectors = trace.inputs[row]
    if not _is_symbols(vectors) and vectors.ndim > 1 and vectors.shape[1] > FEW:
        yield _map("input", vectors.T, "features")
    for layer in trace.layers:
        order = order_of_units(layer, row)
        for name, array in layer.arrays.items():
            kind = " gate" if name in GATES else " state" if name in STATES else ""
            title = f"{layer.name} ({layer.kind}): {name}{kind}"
            yield _map(title, _steps_of(array[row])[:, order].T, "units", _ends(layer.kind, name))


def _ends(kind: str, name: str) -> tuple[str, str] | None:
    """Return the effect of a gate at 0 and at 1; None if it is no gate. Other cells may use these names differently."""
    words = GATES.get(name)
    if words is None or kind not in ("LSTM", "GRU"):
        return words and ("0", "1")
    return f"0, {words[0]}", f"1, {words[1]}"


def order_of_units(layer: LayerTrace, row: int) -> Int[np.ndarray, "units"]:
    """Order units by the step at which the state first goes half as far from 0 as it ever does, then by that state."""
    states = _steps_of(layer.arrays.get("cell", [*layer.arrays.values()][-1])[row])
    far = np.nan_to_num(np.abs(states))
    step = (far >= far.max(0) / 2).argmax(0)
    return np.lexsort((states[step, np.arange(states.shape[1])], step))


def _steps_of(array: Float[np.ndarray, "time units"]) -> Float[np.ndarray, "steps units"]:
    """Return the steps up to the last one that is not NaN."""
    there = np.flatnonzero(~np.isnan(array).all(-1))
    return array[: there[-1] + 1] if there.size else array


def _map(title: str, values: Num[np.ndarray, "units time"], what: str, ends: tuple[str, str] | None = None) -> Panel:
    height = min(max(UNIT * len(values), LOWEST), HIGHEST)
    return Panel(height, partial(_draw_map, title=title, values=values, what=what, ends=ends), coloured=True)


def _draw_map(
    axes: Axes, bar: Axes, title: str, values: Num[np.ndarray, "units time"], what: str, ends: tuple[str, str] | None
) -> None:
    colours, low, high = (FROM_ZERO, 0.0, 1.0) if ends else (AROUND_ZERO, *around_zero(values))
    beyond = "both" if np.nanmax(np.abs(values), initial=0) > high else "neither"
    axes.patch.set(facecolor="white", edgecolor=GREY, hatch="////", linewidth=0)  # visible where an array has no value
    image = axes.imshow(
        np.ma.masked_invalid(values), aspect="auto", interpolation="nearest", cmap=colours, vmin=low, vmax=high
    )
    axes.set_title(plain(title), loc="left", fontsize="small")
    axes.set_ylabel(f"{len(values)} {what}", fontsize="small")
    axes.set_yticks([])
    axes.figure.colorbar(image, cax=bar, extend=beyond)
    between = f"{(low + high) / 2:.3g}"
    first, last = ends or (f"{low:.3g}", f"{high:.3g}")
    bar.set_yticks([low, (low + high) / 2, high], [first, between, last], fontsize=SMALL)


def around_zero(values: Num[np.ndarray, "units time"]) -> tuple[float, float]:
    """Return the values at the two ends of the colours: the farthest one, or that of most if few lie far out."""
    sizes = np.abs(values[np.isfinite(values)])
    most, farthest = map(float, np.quantile(sizes, (RESOLVED, 1))) if sizes.size else (0.0, 0.0)
    far = most if 0 < FAR * most < farthest else farthest or 1.0
    return -far, far


def _mark_steps(axes: Axes, inputs: Num[np.ndarray, "time *features"], inches: float, named: bool) -> None:
    """Draw the symbols of the sequence below the panel, each at its step if it has room, and the steps below them."""
    axes.set_xlim(-0.5, len(inputs) - 0.5)
    axes.tick_params(labelsize=SMALL, labelbottom=named)
    numbers, below = axes, 0.0
    if _is_symbols(inputs) and inches >= UPRIGHT:
        symbols = _symbols(inputs)
        upright = inches < width_of(symbols)
        axes.set_xticks(np.arange(len(inputs)), [str(symbol) for symbol in symbols], rotation=90 if upright else 0)
        numbers, below = axes.secondary_xaxis(0), 72 * width_of(symbols) if upright else SMALL + 4
        numbers.tick_params(length=0, labelsize=SMALL, labelcolor=GREY, labelbottom=named)
    numbers.xaxis.set_major_locator(MaxNLocator(20, integer=True))
    numbers.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    numbers.xaxis.set_tick_params(pad=3 + below)
    if named:
        symbols_too = "the symbols of the sequence, and the " if below else ""
        numbers.set_xlabel(f"{symbols_too}step, from 0 to {len(inputs) - 1:,}", fontsize="x-small")


def _is_symbols(inputs: Num[np.ndarray, "time *features"]) -> bool:
    """Return whether the inputs are symbols, or their one-hot vectors."""
    if inputs.ndim == 1:
        return np.issubdtype(inputs.dtype, np.integer)
    one_hot = ((inputs == 0) | (inputs == 1)).all() and (inputs.sum(-1) == 1).all()
    return bool(inputs.shape[1] > 1 and one_hot)


def _symbols(inputs: Num[np.ndarray, "time *features"]) -> Num[np.ndarray, "time"]:
    return inputs if inputs.ndim == 1 else inputs.argmax(-1)
