"""The style of all pictures: colours, marks and axes that can be read in grey and by colour-blind people."""

from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, PercentFormatter

from memoryspan.files import atomic
from memoryspan.printable import printable

BLUE, ORANGE, GREY, PALE = "#0072B2", "#D55E00", "#666666", "#e4e4e4"

COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The palette of M. Okabe and K. Ito, "Color Universal Design" (2008), without its yellow, too pale for lines."""

POINTS, DASHES = "osD^vP*", ("-", "--", "-.", ":")
"""Marks and dashes, which tell lines apart without colour."""


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, which needs no display."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path, **metadata: str) -> Path:
    """Write a figure in one step, as .png or .svg by its name; raises `OSError` where it cannot be written."""
    no_date = {"Date": None} if path.suffix == ".svg" else {}
    with atomic.atomic_path(path) as temporary, rc_context({"svg.hashsalt": "memoryspan"}):  # the same bytes each time
        figure.savefig(temporary, format=path.suffix[1:], metadata={**metadata, **no_date})
    return path


def keep(figure: Figure, path: Path) -> Path:
    """Write a figure as a PNG, for screens, and as an SVG, for print; return the path of the PNG."""
    save(figure, path.with_suffix(".svg"))
    return save(figure, path.with_suffix(".png"))


def plain(text: str) -> str:
    """Return a name as it is shown, with escaped dollars, between which Matplotlib would read mathematics."""
    return printable(text).replace("$", r"\$")


def accuracy_axis(axes: Axes) -> None:
    """Scale the vertical axis from 0 to 100 %."""
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def tick_lengths(axis: Axis, min_length: int, max_length: int) -> None:
    """Set the ticks of a logarithmic axis of lengths: at each power of two, and between them if they are few."""
    axis.set_major_locator(LogLocator(2, (1,) if max_length >= 8 * min_length else (1, 1.5)))
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def mark(axes: Axes, height: float, text: str) -> None:
    """Draw a dotted line with its name at the right end."""
    axes.axhline(height, color=GREY, linestyle=":", linewidth=1)
    axes.text(1.01, height, text, transform=axes.get_yaxis_transform(), color=GREY, va="center", fontsize="small")
