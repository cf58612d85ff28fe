"""The rows of a table of experiments as they read, wherever the table stands."""

from collections.abc import Sequence
from math import isinf

from memoryspan.report.tables.span import about_intervals, shown
from memoryspan.reproduce.compare import Comparison
from memoryspan.reproduce.trial import TESTED, Outcome, Trial
from memoryspan.sweeps.result import Answer

TITLES = ("experiment", "published", "curriculum", "weights", "sequences", "solved", "right", "seconds", "ratio")
LEFT = 3
"""Columns of words; the others are of numbers."""


def cells_of(row: Comparison) -> list[str]:
    """A row as it reads."""
    published = row.experiment.published if row.experiment else None
    return [
        row.name,
        f"{published.model}: {published}" if published else "",
        "with" if row.trial.curriculum else "without",
        "" if row.parameters is None else f"{row.parameters:,}",
        _with_spread(row),
        _solved(row),
        "" if row.accuracy is None else f"{100 * row.accuracy:.1f} %",
        "" if row.seconds is None else f"{row.seconds:,.1f}",
        "" if row.ratio is None else f"{row.ratio:.2g}",
    ]


def _solved(row: Comparison) -> str:
    """Of the seeds, and why others have no figure."""
    others = [f"{count} {why}" for count, why in ((row.not_finite, "not finite"), (row.failures, "failed")) if count]
    return ", ".join([f"{row.solved} of {row.seeds}", *others])


def _with_spread(row: Comparison) -> str:
    """The median with its interval; `> 74,000` where the budget ended before the criterion was met."""
    if row.sequences is None:
        return ""
    middle = _sequences(row.sequences, row)
    if row.spread is None or row.spread.low == row.spread.high:
        return middle
    return f"{middle} ({_sequences(row.spread.low, row)} to {_sequences(row.spread.high, row)})"


def _sequences(value: float, row: Comparison) -> str:
    return f"> {row.budget:,}" if isinf(value) else f"{value:,.0f}"


def notes(rows: Sequence[Comparison]) -> list[str]:
    """What has to be said to a table: of its intervals, and of each experiment how it was run and what differs."""
    said = [
        f"Right: of {TESTED:,} fresh sequences at the end, those without a mistake by the criterion of the experiment."
    ]
    said += filter(None, [about_intervals(row.spread for row in rows)])
    before: dict[str, str] = {}
    for row in {row.name: row for row in rows}.values():
        said.append(f"{row.name}: {_recipe(row)}")
        experiment = row.experiment
        for sentence in filter(None, (experiment.differs, experiment.tried) if experiment else ()):
            first = before.setdefault(sentence, row.name)
            said.append(f"  {sentence}" if first == row.name else f"  As for {first}.")
    return said


def _recipe(row: Comparison) -> str:
    trial, batch = row.trial, row.trial.batch_size
    asked = f"{row.experiment.what}. {row.experiment.published.source}. " if row.experiment else ""
    return (
        f"{asked}Here {shown(trial.model)}, {batch} sequence{'s' * (batch > 1)} an update; until {trial.criterion}, "
        f"twice."
    )


def one_line(answer: Answer) -> str:
    """What a trial has come to."""
    cell, found = answer.cell, answer.found
    assert isinstance(cell, Trial)
    what = f"{cell.experiment}, {'with' if cell.curriculum else 'without'} curriculum, seed {cell.seed}"
    if not isinstance(found, Outcome):
        return f"{what}: {answer.failure.error if answer.failure else 'failed'}"
    came = (
        f"trained on {found.sequences:,} sequences" if found.sequences else f"not within {found.examples:,} sequences"
    )
    return f"{what}: {came}, {100 * found.accuracy.value:.1f} % right ({found.seconds:.1f} s of training)"
