"""The tables of sweeps on a terminal, while they fill and when they are done."""

from collections.abc import Callable, Iterable, Sequence

from rich.table import Table
from rich.text import Text

from memoryspan.named import Named
from memoryspan.report import reproduced_table as reproduced
from memoryspan.report.span_table import TITLES, cells_of
from memoryspan.reproduce.compare import Comparison
from memoryspan.spans.summary import SpanSummary


def span_table(rows: Sequence[SpanSummary], name: Callable[[Named], str] = str) -> Table:
    """A row for each model on each task: spans in time steps with their interval over seeds, and in lag."""
    return _table(TITLES, 2, (cells_of(row, name) for row in rows))


def reproduced_table(rows: Sequence[Comparison]) -> Table:
    """A row for each experiment, with the curriculum and without: what was published, and what is measured."""
    return _table(reproduced.TITLES, reproduced.LEFT, map(reproduced.cells_of, rows))


def _table(titles: Sequence[str], words: int, rows: Iterable[Sequence[str]]) -> Table:
    """The first columns are of words, and fold; the others of numbers."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for number, title in enumerate(titles):
        table.add_column(title, overflow="fold", justify="left" if number < words else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def stacked(rows: Sequence[SpanSummary], name: Callable[[Named], str] = str) -> str:
    """The same rows for a terminal that is too narrow for a table."""
    lines = []
    for row in rows:
        task, model, *cells = cells_of(row, name)
        lines += [f"{model} on {task}", *(f"  {title}: {cell}" for title, cell in zip(TITLES[2:], cells, strict=True))]
    return "\n".join(lines)
