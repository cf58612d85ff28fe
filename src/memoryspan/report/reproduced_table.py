"""The rows of a table of experiments as they read, wherever the table stands."""

from collections.abc import Sequence
from math import isinf

from memoryspan.report.span_table import shown
from memoryspan.reproduce.compare import Comparison
from memoryspan.spans.answer import Answer
from memoryspan.spans.summary import CONFIDENCE
from memoryspan.spans.trial import Outcome, Trial

TITLES = ("experiment", "published", "curriculum", "sequences", "solved", "right", "seconds", "ratio")
LEFT = 3
"""Columns of words; the others are of numbers."""


def cells_of(row: Comparison) -> list[str]:
    """A row as it reads."""
    published = row.experiment.published if row.experiment else None
    return [
        row.name,
        f"{published.model}: {published}" if published else "",
        "with" if row.curriculum else "without",
        sequences(row),
        f"{row.solved} of {row.seeds}" + (f", {row.failures} failed" if row.failures else ""),
        "" if row.accuracy is None else f"{100 * row.accuracy:.1f} %",
        "" if row.seconds is None else f"{row.seconds:,.1f}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
    ]


def sequences(row: Comparison) -> str:
    """The median with its interval; `> 74,000` where the budget ended before the criterion was met."""
    if row.sequences is None:
        return ""
    if row.spread is None or row.spread.low == row.spread.high:
        return _sequences(row.sequences, row.budget)
    low, high = _sequences(row.spread.low, row.budget), _sequences(row.spread.high, row.budget)
    return f"{_sequences(row.sequences, row.budget)} ({low} to {high})"


def _sequences(value: float, budget: int) -> str:
    return f"> {budget:,}" if isinf(value) else f"{value:,.0f}"


def notes(rows: Sequence[Comparison]) -> list[str]:
    """What has to be said to a table: of its intervals, and of each experiment what differs and what was tried."""
    said = []
    found = {row.spread.confidence for row in rows if row.spread}
    if found:
        shares = " or ".join(f"{100 * share:.0f} %" for share in sorted(found))
        kind = "the range over seeds, which" if max(found) < CONFIDENCE else "which"
        said.append(f"In brackets: {kind} holds the median of all seeds in {shares} of such sweeps.")
    before: dict[str, str] = {}
    for experiment in {row.name: row.experiment for row in rows}.values():
        if experiment is None:
            continue
        said.append(
            f"{experiment.name}: {experiment.what}. {experiment.published.source}. Here {shown(experiment.model)}, "
            f"{experiment.batch_size} sequence{'s' * (experiment.batch_size > 1)} an update; until "
            f"{experiment.criterion}."
        )
        for sentence in filter(None, (experiment.differs, experiment.tried)):
            first = before.setdefault(sentence, experiment.name)
            said.append(f"  {sentence}" if first == experiment.name else f"  As of {first}.")
    return said


def in_a_line(answer: Answer) -> str:
    """What a trial has come to."""
    cell, found = answer.cell, answer.found
    assert isinstance(cell, Trial)
    what = f"{cell.experiment}, {'with' if cell.curriculum else 'without'} curriculum, seed {cell.seed}"
    if not isinstance(found, Outcome):
        return f"{what}: {answer.failure.error if answer.failure else 'failed'}"
    came = f"{found.sequences:,} sequences" if found.sequences else f"not within {found.examples:,} sequences"
    return f"{what}: {came}, {100 * found.accuracy.value:.1f} % right ({found.seconds:.1f} s of training)"
