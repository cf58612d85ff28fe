"""The rows of a table of experiments as text."""

from collections.abc import Sequence
from math import isinf

from memoryspan.report.tables.wording import about_intervals
from memoryspan.reproduce.compare import Comparison
from memoryspan.reproduce.kind import experiment_of
from memoryspan.reproduce.trial import TESTED, ReproduceResult, ReproduceTrial
from memoryspan.sweeps.trial import TrialResult, display_name

TITLES = ("experiment", "published", "curriculum", "weights", "sequences", "solved", "right", "seconds", "ratio")
LEFT = 3
"""The number of columns of words; the others are of numbers."""


def cells_of(row: Comparison) -> list[str]:
    """Return a row as text."""
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
    """Return how many seeds solved it, and why others have no figure."""
    others = [f"{count} {why}" for count, why in ((row.not_finite, "not finite"), (row.failures, "failed")) if count]
    return ", ".join([f"{row.solved} of {row.seeds}", *others])


def _with_spread(row: Comparison) -> str:
    """Return the median with its interval; `> 74,000` where the budget ended before the criterion was met."""
    if row.sequences is None:
        return ""
    middle = _sequences(row.sequences, row)
    if row.spread is None or row.spread.low == row.spread.high:
        return middle
    return f"{middle} ({_sequences(row.spread.low, row)} to {_sequences(row.spread.high, row)})"


def _sequences(value: float, row: Comparison) -> str:
    return f"> {row.budget:,}" if isinf(value) else f"{value:,.0f}"


def notes(rows: Sequence[Comparison]) -> list[str]:
    """Return the sentences below a table: on its intervals, and on how each experiment was run and what differs."""
    sentences = [
        f"Right: how many of {TESTED:,} fresh sequences at the end are no mistake by the criterion of the experiment."
    ]
    sentences += filter(None, [about_intervals(row.spread for row in rows)])
    before: dict[str, str] = {}
    for row in {row.name: row for row in rows}.values():
        sentences.append(f"{row.name}: {_recipe(row)}")
        experiment = row.experiment
        for sentence in filter(None, (experiment.differs, experiment.tried) if experiment else ()):
            first = before.setdefault(sentence, row.name)
            sentences.append(f"  {sentence}" if first == row.name else f"  As for {first}.")
    return sentences


def _recipe(row: Comparison) -> str:
    trial, batch = row.trial, row.trial.batch_size
    about = f"{row.experiment.what}. {row.experiment.published.source}. " if row.experiment else ""
    counted = (
        f" As in the paper, the sequences include the {trial.criterion.n_consecutive:,} that met the criterion."
        if row.experiment and row.experiment.counts_run
        else ""
    )
    return (
        f"{about}Here {display_name(trial.model)}, {batch} sequence{'s' * (batch > 1)} an update; until "
        f"{trial.criterion}, twice.{counted}"
    )


def one_line(found: TrialResult[ReproduceTrial, ReproduceResult]) -> str:
    """Return a result in one line."""
    trial, result = found.trial, found.result
    what = f"{experiment_of(trial)}, seed {trial.seed}"
    if result is None:
        return f"{what}: {found.failure.error if found.failure else 'failed'}"
    trained = (
        f"trained on {result.sequences:,} sequences before {trial.criterion.n_consecutive:,} more met the criterion"
        if result.sequences
        else f"not in {result.examples:,} sequences"
    )
    return f"{what}: {trained}, {100 * result.accuracy.value:.1f} % right ({result.seconds:.1f} s of training)"
