"""What was measured beside what was published: a comparison for each experiment, with the curriculum and without.

Pure functions of the answers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import Any

import numpy as np

from memoryspan.files.versioned import plain
from memoryspan.reproduce.experiment import Experiment
from memoryspan.reproduce.suite import SUITE
from memoryspan.reproduce.trial import Outcome, Trial
from memoryspan.stats import Interval, interval
from memoryspan.sweeps.result import Answer


@dataclass(frozen=True)
class Comparison:
    """A row of the table: an experiment, over seeds. Without a single answer there is no figure but `failures`."""

    experiment: Experiment | None
    """As published; None where this version has none of that name."""
    trial: Trial
    """As it was run, by the first of the seeds."""
    seeds: int
    """That have an answer."""
    failures: int
    """Trials that ended in an error; they are in no figure."""
    solved: int
    """Seeds that met the criterion within the budget."""
    not_finite: int
    """Seeds that ended before the budget did, for their gradients were not finite."""
    sequences: float | None
    """Trained on until the criterion was met, the median over seeds; infinite where at least half never met it."""
    spread: Interval | None
    """Of that median; its ends may be infinite."""
    accuracy: float | None
    """On fresh sequences at the end, the median over seeds."""
    seconds: float | None
    """Of training, the median over seeds."""
    parameters: int | None

    @property
    def name(self) -> str:
        """Of the experiment."""
        return self.trial.experiment

    @property
    def budget(self) -> int:
        """Sequences that a seed may see."""
        return self.trial.budget.examples or 0

    @property
    def published(self) -> int | None:
        """The number of sequences that were needed, as published; None where there is none to compare with."""
        return self.experiment.published.sequences if self.experiment else None

    @property
    def ratio(self) -> float | None:
        """Measured over published sequences; None where either is not known, or the criterion was not met."""
        if self.published is None or self.sequences is None or isinf(self.sequences):
            return None
        return self.sequences / self.published


def compare(answers: Iterable[Answer]) -> list[Comparison]:
    """A row for each experiment, with the curriculum and without, in the order in which they first come."""
    rows: dict[tuple[str, bool], list[tuple[Trial, Answer]]] = {}
    for answer in answers:
        if isinstance(trial := answer.cell, Trial):
            rows.setdefault((trial.experiment, trial.curriculum), []).append((trial, answer))
    return [_comparison(*zip(*alike, strict=True)) for alike in rows.values()]


def as_json(row: Comparison) -> dict[str, Any]:
    """A row for machines; a median, or the end of an interval, that is infinite is null: see how many were solved."""
    figures = plain(row) | {"name": row.name, "curriculum": row.trial.curriculum, "ratio": row.ratio}
    if row.spread:
        figures["spread"] |= {end: _finite(getattr(row.spread, end)) for end in ("low", "high")}
    return figures | {"sequences": _finite(row.sequences)}


def _finite(value: float | None) -> float | None:
    return None if value is None or isinf(value) else value


def _comparison(trials: Sequence[Trial], answers: Sequence[Answer]) -> Comparison:
    experiment = SUITE.get(trials[0].experiment)
    found = [answer.found for answer in answers if isinstance(answer.found, Outcome)]
    run = trials[0].criterion.in_a_row if experiment and experiment.counts_run else 0
    needed = np.array([inf if each.sequences is None else each.sequences + run for each in found])

    def median(values: list[float]) -> float | None:
        return float(np.median(values)) if values else None

    return Comparison(
        experiment=experiment,
        trial=trials[0],
        seeds=len(found),
        failures=len(answers) - len(found),
        solved=int(np.isfinite(needed).sum()),
        not_finite=sum(each.ended == "not finite" for each in found),
        sequences=_median(needed) if found else None,
        spread=interval(needed) if found else None,
        accuracy=median([each.accuracy.value for each in found]),
        seconds=median([each.seconds for each in found]),
        parameters=found[0].parameters if found else None,
    )


def _median(values: np.ndarray) -> float:
    """Infinite where the upper of the middle two is: the mean of a number and none is none."""
    return float(np.median(values)) if np.isfinite(np.sort(values)[len(values) // 2]) else inf
