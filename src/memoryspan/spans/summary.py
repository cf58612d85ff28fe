"""The summary of a sweep: the span of each model on each task, over seeds.

Pure functions of the results. The median is used because one seed in ten that learns nothing makes a mean that no model
has. Its interval shows how far it would move with other seeds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from memoryspan.spans.trial import Span, SpanResult
from memoryspan.spec import Spec
from memoryspan.stats import Interval, interval
from memoryspan.sweeps.trial import TrialResult


@dataclass(frozen=True)
class Median:
    """The median of one span over seeds, in time steps or in lag; a seed without a span counts as 0."""

    value: float
    interval: Interval | None
    """None for a single seed."""
    at_least: bool
    """Whether a seed at or below it was ended by the experiment, and might pass it with larger limits."""


@dataclass(frozen=True)
class SpanSummary:
    """A row of the table: one model on one task. Medians and chance are None where no seed has a result."""

    task: Spec
    model: Spec
    seeds: int
    """Number of seeds with a result."""
    failures: int
    """Number of trials that ended in an error; the medians exclude them."""
    parameters: int | None
    chance: float | None
    """The accuracy of a guess, at the length where it is highest."""
    learned: Median | None
    learned_lag: Median | None
    never_learned: int
    """Number of seeds that did not learn the task's shortest sequences."""
    held: Median | None
    held_lag: Median | None
    never_held: int
    """Number of seeds whose trained model fails those."""


def summarise(results: Iterable[TrialResult]) -> list[SpanSummary]:
    """Return a row for each model on each task, in order of appearance."""
    rows: dict[tuple[str, str], list[TrialResult]] = {}
    for found in results:
        rows.setdefault((_identity(found.trial.task), _identity(found.trial.model)), []).append(found)
    return [_summary(alike) for alike in rows.values()]


def median(spans: Sequence[Span], lag: bool = False) -> Median | None:
    """Return the median span and its interval; for an even number of seeds, the mean of the middle two."""
    if not spans:
        return None
    values = np.array([(span.lag if lag else span.length) or 0 for span in spans])
    value = float(np.median(values))
    middle = np.sort(values)[len(values) // 2]  # the larger of the middle two
    at_least = any(span.at_least and own <= middle for span, own in zip(spans, values, strict=True))
    open_above = [span.at_least and (span.lag if lag else span.length) for span in spans]
    return Median(value, interval(values, [length for length in open_above if length]), at_least)


def _summary(alike: Sequence[TrialResult]) -> SpanSummary:
    found: list[SpanResult] = [each.result for each in alike if each.result is not None]
    learned, held = [each.learned for each in found], [each.held for each in found]
    return SpanSummary(
        task=alike[0].trial.task,
        model=alike[0].trial.model,
        seeds=len(found),
        failures=len(alike) - len(found),
        parameters=found[0].parameters if found else None,
        chance=_chance(found),
        learned=median(learned),
        learned_lag=median(learned, lag=True),
        never_learned=sum(span.length is None for span in learned),
        held=median(held),
        held_lag=median(held, lag=True),
        never_held=sum(span.length is None for span in held),
    )


def _chance(found: Sequence[SpanResult]) -> float | None:
    return max((measured.chance for each in found for measured in each.curve), default=None)


def _identity(spec: Spec) -> str:
    return f"{spec} {spec.sha256}"  # two files of one name are two models
