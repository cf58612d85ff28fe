"""`docs/million.md`: how a run of a million steps learned, and what its forget gates do.

    memoryspan train --length 1000000 --run runs/million --budget 12min
    python -m tools.million runs/million

writes the section *measured* and the picture; what stands outside of the section stays as it is.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from memoryspan.backend import keras
from memoryspan.inference.trace import trace
from memoryspan.report.figures.style import BLUE, GREY, ORANGE, new_figure, save
from memoryspan.runs import Run
from memoryspan.tables import TextTable, markdown_table
from memoryspan.training import HistoryRow
from tools.machine import this_machine
from tools.page import write_section

DOCS = Path(__file__).parents[1] / "docs"

STEPS = 20_000
"""Of the sequence whose gates are looked at."""

NOTHING = 2.0**-25
"""A gate that lets go of less is 1 in 32 bits: half of the least that a float there can be below 1."""


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
    saved = Run.load(run)
    history, results = saved.history(), saved.record.results
    if results is None or results.accuracy is None:
        raise click.UsageError(f"The run {run} has not ended: go on with memoryspan train --resume {run}")
    if docs == DOCS and saved.task.length != 1_000_000:
        raise click.UsageError(f"The page tells of a million steps, not of {saved.task.length:,}: give another --docs.")
    lost = lost_at_each_step(saved.model(), saved.task.n_features)
    body = "\n\n".join(
        (
            table([HistoryRow.first(saved.task.min_length), *history]),
            f"It ended after {results.updates:,} updates, {results.examples:,} examples and {results.seconds:.0f} "
            f"seconds of training, with {results.accuracy.n_correct:,} of {results.accuracy.examples:,} fresh examples "
            f"right.",
            describe(lost),
            f"Measured on {saved.record.created.date()}, {this_machine().setting}.",
        )
    )
    write_section(docs / "million.md", "measured", body)
    click.echo(f"Written: {docs / 'million.md'}.")
    click.echo(f"Drawn: {draw(history, lost, docs / 'million.png')}.")


def stages(history: Sequence[HistoryRow]) -> Iterator[HistoryRow]:
    """The row with which the training first came to each length that was the longest so far."""
    max_length = 0
    for length, rows in groupby(history, key=lambda row: row.length):
        if length > max_length:
            yield next(rows)
            max_length = length


def table(history: Sequence[HistoryRow]) -> str:
    """When each length was reached."""
    rows = [
        [f"{row.length:,}", f"{row.updates:,}", f"{row.examples:,}", f"{row.seconds:.1f}"] for row in stages(history)
    ]
    return markdown_table(TextTable(["length", "reached after updates", "examples", "seconds of training"], 0, rows))


def lost_at_each_step(model: keras.Model, n_features: int) -> Float[np.ndarray, "time units"]:
    """What the forget gates of its LSTM let go of, 1 - f, over random symbols, after the third, which is to be held.

    From the weights and the hidden states, in 64 bits: of a gate near 1, 32 bits tell 1 - f by steps of 6e-8.
    """
    layer = next((layer for layer in model.layers if isinstance(layer, keras.layers.LSTM)), None)
    if layer is None:
        raise click.UsageError(f"The model {model.name!r} has no LSTM, and so no forget gates to look at.")
    symbols = np.random.default_rng(0).integers(n_features, size=STEPS + 3)
    hidden = np.asarray(trace(model, symbols).layers[0].arrays["hidden"][0], np.float64)
    gate = slice(layer.units, 2 * layer.units)  # Keras: input, forget, candidate, output
    kernel, recurrent_kernel, bias = (weight[..., gate] for weight in layer.get_weights())
    return 1 / (1 + np.exp(kernel[symbols[3:]] + hidden[2:-1] @ recurrent_kernel + bias))


def describe(lost: Float[np.ndarray, "time units"]) -> str:
    """The gates, in a few figures."""
    medians = np.sort(np.median(lost, axis=0))
    middle = medians[(len(medians) - 1) // 2]
    return (
        f"Over {len(lost):,} random symbols after the third, {100 * np.mean(lost < 1e-6):.0f} % of the values of its "
        f"forget gates let go of less than a millionth, and {100 * np.mean(lost < NOTHING):.0f} % are so near to 1 "
        f"that a 32-bit float has 1 for them. In half of the cells the median lets go of at most {middle:.1e} a step, "
        f"in the most forgetful one of {medians[-1]:.1e}."
    )


def draw(history: Sequence[HistoryRow], lost: Float[np.ndarray, "time units"], path: Path) -> Path:
    """How the current length grew, and what each cell lets go of at a step."""
    figure = new_figure(9, 3.8)
    left, right = figure.subplots(1, 2)
    _draw_lengths(left, history)
    _draw_gates(right, lost)
    return save(figure, path)


def _draw_lengths(axes: Axes, history: Sequence[HistoryRow]) -> None:
    axes.step([row.seconds for row in history], [row.length for row in history], color=ORANGE, where="post")
    axes.set(xscale="log", yscale="log", xlabel="seconds of training", ylabel="current length (time steps)")
    axes.set_title("what the curriculum did", loc="left", fontsize="medium")


def _draw_gates(axes: Axes, lost: Float[np.ndarray, "time units"]) -> None:
    lost = lost[:, np.argsort(np.median(lost, axis=0))]
    low, median, high = np.quantile(lost, (0.05, 0.5, 0.95), axis=0)
    cells = np.arange(1, lost.shape[1] + 1)
    axes.vlines(cells, low, high, color=BLUE, linewidth=2, alpha=0.4)
    axes.plot(cells, median, "o", color=BLUE, markersize=4)
    for height, text, cell, side in (
        (NOTHING, "1 in 32 bits", cells[-1], "right"),
        (1e-6, "a millionth", 1, "left"),
    ):
        axes.axhline(height, color=GREY, linestyle=":", linewidth=1)
        axes.annotate(text, (cell, height), xytext=(0, 3), textcoords="offset points", ha=side, color=GREY)
    axes.set(yscale="log", xlabel="cell, in order of its median", ylabel="1 - forget gate: lost at a step")
    axes.set_title("what its cells let go of (median, 5 to 95 %)", loc="left", fontsize="medium")


if __name__ == "__main__":
    main()
