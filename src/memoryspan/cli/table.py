"""Tables on a terminal."""

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from memoryspan.printable import printable, printable_lines
from memoryspan.tables import TextTable


def as_rich(table: TextTable) -> Table:
    """Return a table with one row a line."""
    drawn = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for number, title in enumerate(table.titles):
        drawn.add_column(title, overflow="fold", justify="left" if number < table.n_words else "right")
    for row in table.rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row))
    return drawn


def fitted(table: TextTable, screen: Console) -> RenderableType:
    """Return a table with one row a line where the screen is wide enough, and else with one number a line."""
    return as_rich(table) if width_of(table, screen) <= screen.width else Text(printable_lines(stacked(table)))


def width_of(table: TextTable, screen: Console) -> int:
    """Return the columns that a table takes with one row a line."""
    return screen.measure(as_rich(table), options=screen.options.update(width=10_000)).maximum


def stacked(table: TextTable) -> str:
    """Return a table with one line a number, for a terminal that is too narrow for it."""
    lines = []
    for row in table.rows:
        lines.append(", ".join(row[: table.n_words]))
        pairs = zip(table.titles[table.n_words :], row[table.n_words :], strict=True)
        lines += [f"  {title}: {text}" for title, text in pairs]
    return "\n".join(lines)
