"""The table of spans, while it fills and when it is done."""

from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from memoryspan.named import Named
from memoryspan.spans.summary import CONFIDENCE, Median, SpanSummary

TITLES = ("parameters", "learned span", "lag", "held span", "lag", "seeds", "failed")


def span_table(rows: Sequence[SpanSummary], name: Callable[[Named], str] = str) -> Table:
    """A row for each model on each task: spans in time steps with their interval over seeds, and in lag."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("task", "model"):
        table.add_column(title, overflow="fold")
    for title in TITLES:
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(*map(Text, cells_of(row, name)))
    return table


def cells_of(row: SpanSummary, name: Callable[[Named], str]) -> list[str]:
    """A row as it reads."""
    parameters = f"{row.parameters:,}" if row.parameters is not None else ""
    learned, held = _with_interval(row.learned), _with_interval(row.held)
    spans = [learned, _lag(row.learned, row.learned_lag), held, _lag(row.held, row.held_lag)]
    return [name(row.task), name(row.model), parameters, *spans, f"{row.seeds + row.failures}", _failed(row)]


def _value(median: Median | None) -> str:
    """`≥ 4,096` where more might be found beyond, `none` where most seeds have none."""
    if median is None:
        return ""
    return "none" if median.value == 0 else f"{'≥ ' if median.at_least else ''}{median.value:,.0f}"


def _lag(length: Median | None, lag: Median | None) -> str:
    """Of a span that there is, it may be 0."""
    if length is None or lag is None or length.value == 0:
        return _value(length)
    return f"{'≥ ' if lag.at_least else ''}{lag.value:,.0f}"


def _with_interval(median: Median | None) -> str:
    if median is None or median.interval is None or median.value == 0 == median.interval.high:
        return _value(median)
    high = f"{'≥ ' if median.interval.at_least else ''}{median.interval.high:,.0f}"
    low = high if median.interval.low == median.interval.high else f"{median.interval.low:,.0f}"
    return f"{_value(median)} ({low} to {high})"


def stacked(rows: Sequence[SpanSummary], name: Callable[[Named], str] = str) -> str:
    """The same rows for a terminal that is too narrow for a table."""
    lines = []
    for row in rows:
        task, model, *cells = cells_of(row, name)
        lines += [f"{model} on {task}", *(f"  {title}: {cell}" for title, cell in zip(TITLES, cells, strict=True))]
    return "\n".join(lines)


def about_intervals(rows: Sequence[SpanSummary]) -> str | None:
    """What the intervals of a table are; None where there are none."""
    found = {row.learned.interval.confidence for row in rows if row.learned and row.learned.interval}
    if not found:
        return None
    shares = " or ".join(f"{share:.0%}" for share in sorted(found))
    kind = "the range over seeds, which" if max(found) < CONFIDENCE else "which"
    return f"In brackets: {kind} holds the median of all seeds in {shares} of such sweeps."


def _failed(row: SpanSummary) -> str:
    """Seeds that learned nothing, and cells that ended in an error."""
    errors = f"{row.failures} error{'s' * (row.failures > 1)}" if row.failures else ""
    nothing = f"{row.never_learned}" if row.never_learned or not errors else ""
    return ", ".join(part for part in (nothing, errors) if part)
