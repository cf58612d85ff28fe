"""Tables on a terminal, while a sweep fills them and when it is done."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.table import Table
from rich.text import Text


class Cells(NamedTuple):
    """A table as it reads: the first columns are of words, and fold; the others of numbers."""

    titles: Sequence[str]
    words: int
    rows: list[list[str]]


def table(cells: Cells) -> Table:
    """With a row a line."""
    drawn = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for number, title in enumerate(cells.titles):
        drawn.add_column(title, overflow="fold", justify="left" if number < cells.words else "right")
    for row in cells.rows:
        drawn.add_row(*map(Text, row))
    return drawn


def stacked(cells: Cells) -> str:
    """The same for a terminal that is too narrow for a table."""
    lines = []
    for row in cells.rows:
        lines.append(", ".join(row[: cells.words]))
        named = zip(cells.titles[cells.words :], row[cells.words :], strict=True)
        lines += [f"  {title}: {text}" for title, text in named]
    return "\n".join(lines)
