"""The rows of a table of spans as they read, wherever the table stands."""

from collections.abc import Callable, Iterable

from memoryspan.spans.cell import Found
from memoryspan.spans.summary import Median, SpanSummary
from memoryspan.spec import Spec, without_defaults
from memoryspan.stats import CONFIDENCE, Interval
from memoryspan.sweeps.result import Answer

TITLES = ("task", "model", "parameters", "learned span", "lag", "held span", "lag", "seeds", "failed")


def shown(named: Spec) -> str:
    """A task or a model as a person would type it; a stranger's, which is not imported for that, in full."""
    from memoryspan.models import MODELS
    from memoryspan.tasks import TASKS

    kind = {**TASKS, **MODELS}.get(named.name)
    return str(without_defaults(named, kind) if kind else named)


def cells_of(row: SpanSummary, name: Callable[[Spec], str]) -> list[str]:
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


def about_intervals(intervals: Iterable[Interval | None]) -> str | None:
    """What the intervals of a table are; None where there are none."""
    found = {each.confidence for each in intervals if each}
    if not found:
        return None
    shares = " or ".join(f"{100 * share:.0f} %" for share in sorted(found))
    kind = "the range over seeds, which" if max(found) < CONFIDENCE else "which"
    return f"In brackets: {kind} holds the median of all seeds in {shares} of such sweeps."


def _failed(row: SpanSummary) -> str:
    """Seeds that learned nothing, and cells that ended in an error."""
    errors = f"{row.failures} error{'s' * (row.failures > 1)}" if row.failures else ""
    nothing = f"{row.never_learned}" if row.never_learned or not errors else ""
    return ", ".join(part for part in (nothing, errors) if part)


def one_line(answer: Answer) -> str:
    """What a cell has come to."""
    cell, found = answer.cell, answer.found
    what = f"{shown(cell.model)} on {shown(cell.task)}, seed {cell.seed}"
    if not isinstance(found, Found):
        return f"{what}: {answer.failure.error if answer.failure else 'failed'}"
    learned, held = (f"{'at least ' if s.at_least else ''}{s.length or 'none'}" for s in (found.learned, found.held))
    return f"{what}: learned {learned}, held {held} ({found.seconds:.0f} s of training)"


def learned_intervals(rows: Iterable[SpanSummary]) -> list[Interval | None]:
    """Of a table's learned spans; those of its held spans are of as many seeds."""
    return [row.learned.interval if row.learned else None for row in rows]
