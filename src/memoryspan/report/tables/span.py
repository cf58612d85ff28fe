"""The rows of a table of spans as text."""

from collections.abc import Sequence
from pathlib import Path

from memoryspan.accuracy import AccuracyRecord
from memoryspan.report.tables.wording import about_intervals
from memoryspan.spans.summary import Median, SpanSummary
from memoryspan.spans.trial import Span, SpanResult, SpanTrial
from memoryspan.spec import Spec
from memoryspan.stats import percent
from memoryspan.sweeps.kind import model_on_task
from memoryspan.sweeps.trial import TrialResult, display_name

TITLES = ("task", "model", "parameters", "learned span", "lag", "held span", "lag", "seeds", "failed")


def cells_of(row: SpanSummary) -> list[str]:
    """Return a row as text."""
    parameters = f"{row.parameters:,}" if row.parameters is not None else ""
    learned, held = _with_interval(row.learned), _with_interval(row.held)
    spans = [learned, _lag(row.learned, row.learned_lag), held, _lag(row.held, row.held_lag)]
    names = [display_name(row.task), display_name(row.model)]
    return [*names, parameters, *spans, f"{row.seeds + row.failures}", _failed(row)]


def notes(rows: Sequence[SpanSummary]) -> list[str]:
    """Return the sentences below a table."""
    # The intervals of the held spans are of the same number of seeds.
    return list(filter(None, [about_intervals(row.learned.interval if row.learned else None for row in rows)]))


def title(trials: Sequence[SpanTrial]) -> str:
    """Return the title of a sweep: its models and its tasks, without their settings, which the table has."""
    models, tasks = (
        dict.fromkeys(map(short_name, specs)) for specs in zip(*((t.model, t.task) for t in trials), strict=True)
    )
    return f"How far back? {', '.join(models)} on {', '.join(tasks)}"


def short_name(spec: Spec) -> str:
    """Return a task or a model for a title: without its settings, and a file without the folders that it is in."""
    place, colon, attribute = spec.name.rpartition(":")
    return f"{Path(place).name}:{attribute}" if colon and place.endswith(".py") else spec.name


def headline(rows: Sequence[SpanSummary]) -> str:
    """Return which models remember furthest, by the median of their learned spans."""
    best = max((row.learned.value for row in rows if row.learned), default=0)
    if not best:
        return "None of the models has learned even the shortest sequences."
    first = [row for row in rows if row.learned and row.learned.value == best]
    more = "at least " if any(row.learned and row.learned.at_least for row in first) else ""
    names = ", ".join(f"{display_name(row.model)} on {display_name(row.task)}" for row in first)
    return f"Furthest, by the median of the learned spans: {more}{best:,.0f} time steps, {names}."


def held_sentence(span: Span, curve: Sequence[AccuracyRecord]) -> str:
    """Return the held span of one model in a sentence; where it has none, with its accuracy at the shortest length."""
    if span.length is None:
        from memoryspan.spans.held import THRESHOLD

        shortest = curve[0]
        return (
            f"Held span: none. At {shortest.length:,} steps, the shortest sequences, {percent(shortest.value)} are "
            f"right, and more than {percent(THRESHOLD)} have to be."
        )
    more = f", or more: {curve[-1].length:,} steps is the longest length that was tested" if span.at_least else ""
    return f"Held span: {span.length:,} time steps (lag {span.lag:,}){more}."


def one_line(found: TrialResult[SpanTrial, SpanResult]) -> str:
    """Return a result in one line."""
    trial, result = found.trial, found.result
    what = f"{model_on_task(trial)}, seed {trial.seed}"
    if result is None:
        return f"{what}: {found.failure.error if found.failure else 'failed'}"
    learned, held = (f"{'at least ' if s.at_least else ''}{s.length or 'none'}" for s in (result.learned, result.held))
    return f"{what}: learned {learned}, held {held} ({result.seconds:.0f} s of training)"


def _value(median: Median | None) -> str:
    """Return `≥ 4,096` where the experiment ended first, `none` where most seeds have no span."""
    if median is None:
        return ""
    return "none" if median.value == 0 else f"{'≥ ' if median.at_least else ''}{median.value:,.0f}"


def _lag(length: Median | None, lag: Median | None) -> str:
    """Return the lag of a span, which may be 0."""
    if length is None or lag is None or length.value == 0:
        return _value(length)
    return f"{'≥ ' if lag.at_least else ''}{lag.value:,.0f}"


def _with_interval(median: Median | None) -> str:
    if median is None or median.interval is None or median.value == 0 == median.interval.high:
        return _value(median)
    high = f"{'≥ ' if median.interval.at_least else ''}{median.interval.high:,.0f}"
    low = high if median.interval.low == median.interval.high else f"{median.interval.low:,.0f}"
    return f"{_value(median)} ({low} to {high})"


def _failed(row: SpanSummary) -> str:
    """Return how many seeds learned nothing, and how many trials ended in an error."""
    errors = f"{row.failures} error{'s' * (row.failures > 1)}" if row.failures else ""
    nothing = f"{row.never_learned}" if row.never_learned or not errors else ""
    return ", ".join(part for part in (nothing, errors) if part)
