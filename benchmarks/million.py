"""`docs/million.md`: how a run of a million steps learned, and what its forget gates do.

    memoryspan train --length 1000000 --run runs/million --budget 20min
    python -m benchmarks.million runs/million

writes the section *measured* and the picture; what stands outside of the section stays as it is.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from benchmarks.machine import this_machine
from benchmarks.page import write_section
from memoryspan.report.style import BLUE, GREY, ORANGE, new_figure, save
from memoryspan.runs import open_run
from memoryspan.tracing import trace
from memoryspan.training import Row

DOCS = Path(__file__).parents[1] / "docs"

STEPS = 20_000
"""Of the sequence whose gates are looked at."""

NOTHING = 2.0**-25
"""Where a gate that is 1 to its last bit stands: half of the least that a 32-bit float can be away from 1."""


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--docs",
    default=DOCS,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where million.md stands.  [default: docs]",
)
def main(run: Path, docs: Path) -> None:
    """Writes what a run has measured, on this machine, into docs/million.md."""
    saved = open_run(run)
    history = saved.history()
    forget = forget_gates(saved.model(), saved.task.n_features)
    accuracy = saved.record.results.accuracy
    body = "\n\n".join(
        (
            table(history),
            f"It ended after {history[-1].updates:,} updates, {history[-1].examples:,} examples and "
            f"{history[-1].seconds:.0f} seconds of training, with {accuracy.right:,} of {accuracy.examples:,} fresh "
            f"examples right.",
            describe(forget),
            f"Measured on {str(this_machine()).partition('; load')[0]}.",
        )
    )
    write_section(docs / "million.md", "measured", body)
    click.echo(f"Written: {docs / 'million.md'}.")
    click.echo(f"Drawn: {draw(history, forget, docs / 'million.png')}.")


def stages(history: Sequence[Row]) -> Iterator[Row]:
    """The row with which the training first came to each length that was the longest so far."""
    longest = 0
    for length, rows in groupby(history, key=lambda row: row.length):
        if length > longest:
            yield next(rows)
            longest = length


def table(history: Sequence[Row]) -> str:
    """When each length was reached."""
    lines = [
        "| length | reached after updates | examples | seconds of training |",
        "| ---: | ---: | ---: | ---: |",
        *(f"| {row.length:,} | {row.updates:,} | {row.examples:,} | {row.seconds:.1f} |" for row in stages(history)),
    ]
    return "\n".join(lines)


def forget_gates(model, n_features: int) -> Float[np.ndarray, "time units"]:
    """Of the first recurrent layer, over a random sequence, after the third symbol, from which on it has to hold."""
    symbols = np.random.default_rng(0).integers(n_features, size=STEPS + 3)
    return np.asarray(trace(model, symbols).layers[0].arrays["forget"][0, 3:], np.float64)


def describe(forget: Float[np.ndarray, "time units"]) -> str:
    """The gates, in a few figures."""
    lost = 1 - forget
    medians = np.sort(np.median(lost, axis=0))
    middle = medians[(len(medians) - 1) // 2]
    return (
        f"Over {len(lost):,} random symbols after the third, {np.mean(lost < 1e-6):.0%} of the values of its forget "
        f"gates let go of less than a millionth, and {np.mean(lost == 0):.0%} are 1 to the last bit of a 32-bit float. "
        f"In half of the cells the median lets go of at most {middle:.1g} a step, in the most "
        f"forgetful one of {medians[-1]:.1g}."
    ).replace("%", " %")


def draw(history: Sequence[Row], forget: Float[np.ndarray, "time units"], path: Path) -> Path:
    """How the current length grew, and what each cell lets go of at a step."""
    figure = new_figure(9, 3.8)
    left, right = figure.subplots(1, 2)
    _draw_lengths(left, history)
    _draw_gates(right, forget)
    return save(figure, path)


def _draw_lengths(axes: Axes, history: Sequence[Row]) -> None:
    axes.step([row.seconds for row in history], [row.length for row in history], color=ORANGE, where="post")
    axes.set(xscale="log", yscale="log", xlabel="seconds of training", ylabel="current length (time steps)")
    axes.set_title("what the curriculum did", loc="left", fontsize="medium")


def _draw_gates(axes: Axes, forget: Float[np.ndarray, "time units"]) -> None:
    lost = np.maximum(1 - forget, NOTHING)
    lost = lost[:, np.argsort(np.median(lost, axis=0))]
    low, median, high = np.quantile(lost, (0.05, 0.5, 0.95), axis=0)
    cells = np.arange(1, lost.shape[1] + 1)
    axes.vlines(cells, low, high, color=BLUE, linewidth=2, alpha=0.4)
    axes.plot(cells, median, "o", color=BLUE, markersize=4)
    for height, text, cell, side in (
        (NOTHING, "nothing, to the last bit", cells[-1], "right"),
        (1e-6, "a millionth", 1, "left"),
    ):
        axes.axhline(height, color=GREY, linestyle=":", linewidth=1)
        axes.annotate(text, (cell, height), xytext=(0, 3), textcoords="offset points", ha=side, color=GREY)
    axes.set(yscale="log", xlabel="cell, in order of its median", ylabel="1 - forget gate: lost at a step")
    axes.set_title("what its cells let go of (median, 5 to 95 %)", loc="left", fontsize="medium")


if __name__ == "__main__":
    main()
