"""Measured figures beside published ones: a comparison for each experiment, with the curriculum and without.

Pure functions of the results.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import Any

import numpy as np

from memoryspan.files.json import to_builtins
from memoryspan.reproduce.experiment import Experiment
from memoryspan.reproduce.suite import SUITE
from memoryspan.reproduce.trial import ReproduceResult, ReproduceTrial
from memoryspan.stats import Interval, interval
from memoryspan.sweeps.trial import TrialResult


@dataclass(frozen=True)
class Comparison:
    """A row of the table: an experiment, over seeds. Figures are None where no seed has a result."""

    experiment: Experiment | None
    """As published; None where this version does not know it."""
    trial: ReproduceTrial
    """As it was run with the first seed."""
    seeds: int
    """Number of seeds with a result."""
    failures: int
    """Number of trials that ended in an error; the figures exclude them."""
    solved: int
    """Seeds that met the criterion within the budget."""
    not_finite: int
    """Seeds whose training ended early because its gradients were not finite."""
    sequences: float | None
    """The median over seeds of the sequences until the criterion was met; infinite if at least half never met it."""
    spread: Interval | None
    """The interval of that median; its ends may be infinite."""
    accuracy: float | None
    """The median over seeds of the accuracy on fresh sequences at the end."""
    seconds: float | None
    """The median over seeds of the seconds of training."""
    parameters: int | None

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.trial.experiment

    @property
    def budget(self) -> int:
        """The maximum number of sequences a seed."""
        return self.trial.budget.examples or 0

    @property
    def published(self) -> int | None:
        """The published number of sequences; None where none is reported."""
        return self.experiment.published.sequences if self.experiment else None

    @property
    def ratio(self) -> float | None:
        """Measured over published sequences; None where either is unknown or the criterion was not met."""
        if self.published is None or self.sequences is None or isinf(self.sequences):
            return None
        return self.sequences / self.published


def compare(results: Iterable[TrialResult]) -> list[Comparison]:
    """Return a row for each experiment, with the curriculum and without, in order of appearance."""
    rows: dict[tuple[str, bool], list[TrialResult]] = {}
    for found in results:
        rows.setdefault((found.trial.experiment, found.trial.curriculum), []).append(found)
    return [_comparison(alike) for alike in rows.values()]


def as_json(row: Comparison) -> dict[str, Any]:
    """Return a row for JSON, in which an infinite median or end of an interval is null."""
    figures = to_builtins(row) | {"name": row.name, "curriculum": row.trial.curriculum, "ratio": row.ratio}
    if row.spread:
        figures["spread"] |= {end: _finite(getattr(row.spread, end)) for end in ("low", "high")}
    return figures | {"sequences": _finite(row.sequences)}


def _finite(value: float | None) -> float | None:
    return None if value is None or isinf(value) else value


def _comparison(alike: Sequence[TrialResult]) -> Comparison:
    trial = alike[0].trial
    experiment = SUITE.get(trial.experiment)
    found: list[ReproduceResult] = [each.result for each in alike if each.result is not None]
    run = trial.criterion.n_consecutive if experiment and experiment.counts_run else 0
    needed = np.array([inf if each.sequences is None else each.sequences + run for each in found])

    def median(values: list[float]) -> float | None:
        return float(np.median(values)) if values else None

    return Comparison(
        experiment=experiment,
        trial=trial,
        seeds=len(found),
        failures=len(alike) - len(found),
        solved=int(np.isfinite(needed).sum()),
        not_finite=sum(each.ended == "not finite" for each in found),
        sequences=_median(needed) if found else None,
        spread=interval(needed) if found else None,
        accuracy=median([each.accuracy.value for each in found]),
        seconds=median([each.seconds for each in found]),
        parameters=found[0].parameters if found else None,
    )


def _median(values: np.ndarray) -> float:
    """Return the median, which is infinite if the upper of the middle two values is."""
    return float(np.median(values)) if np.isfinite(np.sort(values)[len(values) // 2]) else inf
