"""What a sweep comes to: the span of each model on each task, over seeds.

Pure functions of the answers. The median, for one seed in ten that learns nothing makes a mean that no model has; with
the interval that says how far it would move if other seeds had been drawn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from memoryspan.spans.cell import Found, Span
from memoryspan.spec import Spec
from memoryspan.stats import Interval, interval
from memoryspan.sweeps.result import Answer


@dataclass(frozen=True)
class Median:
    """Of one span over seeds, in time steps or in lag; a seed that has none counts as 0."""

    value: float
    interval: Interval | None
    """None of a single seed, which says nothing about others."""
    at_least: bool
    """Whether it is a ceiling of the experiment, for a seed at or below it is: given more, that might pass it."""


@dataclass(frozen=True)
class SpanSummary:
    """A row of the table: one model on one task. Without a single answer there is no median and no chance."""

    task: Spec
    model: Spec
    seeds: int
    """That have an answer."""
    failures: int
    """Cells that ended in an error; they are in no median."""
    parameters: int | None
    chance: float | None
    """How often a guess is right, where that is most often."""
    learned: Median | None
    learned_lag: Median | None
    never_learned: int
    """Seeds that did not even learn the task's shortest sequences."""
    held: Median | None
    held_lag: Median | None
    never_held: int
    """Seeds whose model, as trained, answers not even those."""


def summarise(answers: Iterable[Answer]) -> list[SpanSummary]:
    """A row for each model on each task, in the order in which they first come."""
    rows: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        rows.setdefault((_identity(answer.cell.task), _identity(answer.cell.model)), []).append(answer)
    return [_summary(alike) for alike in rows.values()]


def median(spans: Sequence[Span], lag: bool = False) -> Median | None:
    """The median span and its interval; of an even number of seeds the mean of the middle two."""
    if not spans:
        return None
    values = np.array([(span.lag if lag else span.length) or 0 for span in spans])
    value = float(np.median(values))
    middle = np.sort(values)[len(values) // 2]  # the larger of the middle two
    at_least = any(span.at_least and own <= middle for span, own in zip(spans, values, strict=True))
    open_above = [span.at_least and (span.lag if lag else span.length) for span in spans]
    return Median(value, interval(values, [length for length in open_above if length]), at_least)


def _summary(answers: Sequence[Answer]) -> SpanSummary:
    found = [answer.found for answer in answers if isinstance(answer.found, Found)]
    learned, held = [each.learned for each in found], [each.held for each in found]
    return SpanSummary(
        task=answers[0].cell.task,
        model=answers[0].cell.model,
        seeds=len(found),
        failures=len(answers) - len(found),
        parameters=found[0].parameters if found else None,
        chance=_chance(found),
        learned=median(learned),
        learned_lag=median(learned, lag=True),
        never_learned=sum(span.length is None for span in learned),
        held=median(held),
        held_lag=median(held, lag=True),
        never_held=sum(span.length is None for span in held),
    )


def _chance(found: Sequence[Found]) -> float | None:
    return max((measured.chance for each in found for measured in each.curve), default=None)


def _identity(named: Spec) -> str:
    """Two files of one name are two models."""
    return f"{named} {named.sha256}"
