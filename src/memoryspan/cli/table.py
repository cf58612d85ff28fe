"""The table of spans on a terminal, while it fills and when it is done."""

from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from memoryspan.named import Named
from memoryspan.report.span_table import TITLES, cells_of
from memoryspan.spans.summary import SpanSummary


def span_table(rows: Sequence[SpanSummary], name: Callable[[Named], str] = str) -> Table:
    """A row for each model on each task: spans in time steps with their interval over seeds, and in lag."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in TITLES[:2]:
        table.add_column(title, overflow="fold")
    for title in TITLES[2:]:
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(*map(Text, cells_of(row, name)))
    return table


def stacked(rows: Sequence[SpanSummary], name: Callable[[Named], str] = str) -> str:
    """The same rows for a terminal that is too narrow for a table."""
    lines = []
    for row in rows:
        task, model, *cells = cells_of(row, name)
        lines += [f"{model} on {task}", *(f"  {title}: {cell}" for title, cell in zip(TITLES[2:], cells, strict=True))]
    return "\n".join(lines)
