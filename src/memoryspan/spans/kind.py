"""Span sweeps, as a kind of sweep."""

from collections.abc import Sequence

import msgspec

from memoryspan.spans.trial import Span, SpanResult, SpanSweepConfig, SpanTrial
from memoryspan.sweeps.group import Group
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.trial import COST_COLUMNS, TrialResult, cost_row
from memoryspan.training.budget import Budget

SPAN_FIELDS = Span.__struct_fields__


def run(trials: Sequence[SpanTrial], group: Group) -> list[SpanResult]:
    """Return the results of trials that differ in their seed alone."""
    from memoryspan.spans.measure import measure

    return measure(trials, group)


def row(trial: SpanTrial, result: SpanResult | None) -> dict[str, object]:
    """Return a row of `results.csv`."""
    of_trial = {"task": str(trial.task), "model": str(trial.model), "seed": trial.seed}
    if result is None:
        return of_trial
    spans = _span("learned", result.learned) | _span("held", result.held)
    return of_trial | spans | cost_row(result)


def _span(which: str, span: Span) -> dict[str, object]:
    values = (span.length, span.lag, str(span.at_least).lower())
    return {f"{which}_{name}": value for name, value in zip(SPAN_FIELDS, values, strict=True)}


def extends(before: SpanTrial, now: SpanTrial) -> bool:
    """Return whether a trial is another one with a larger budget or maximum length."""
    same = msgspec.structs.replace(now, budget=before.budget, max_length=before.max_length) == before
    return same and now.max_length >= before.max_length and _no_smaller(now.budget, before.budget)


def holds(found: TrialResult[SpanTrial, SpanResult], now: SpanTrial) -> bool:
    """Return whether neither limit of a trial had a part in its result, which a trial with larger limits then shares.

    A training ends in the same way under a larger budget unless it had spent the old one: that ends a training, and
    causes a last test of the full length. Under a larger maximum length it is the same, provided that the task, the
    model and the arrays are, up to where its curriculum reaches the old maximum; and so is the search for the held span
    up to the longest length that it tests.
    """
    before, result = found.trial, found.result
    assert result is not None
    if now.budget != before.budget and before.budget.spent(result.examples, result.tokens, result.seconds):
        return False
    if now.max_length == before.max_length:
        return True
    from memoryspan.spans.plan import same_at_both_maxima

    longest = max((result.reached, *(each.length for each in result.curve)))
    return same_at_both_maxima(before.task, before.model, before.max_length, now.max_length, longest)


def _no_smaller(now: Budget, before: Budget) -> bool:
    pairs = [(getattr(now, name), getattr(before, name)) for name in ("examples", "tokens", "seconds")]
    return all(new is None or (old is not None and new >= old) for new, old in pairs)


SPAN = Kind(
    command="span",
    config=SpanSweepConfig,
    trial=SpanTrial,
    result=SpanResult,
    run=run,
    columns=(
        *("task", "model", "seed", "parameters"),
        *(f"{which}_{name}" for which in ("learned", "held") for name in SPAN_FIELDS),
        *COST_COLUMNS,
    ),
    row=row,
    extends=extends,
    holds=holds,
)
