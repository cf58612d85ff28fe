"""What was measured beside what was published: a comparison for each experiment, with the curriculum and without.

Pure functions of the answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memoryspan.evaluation import wilson
from memoryspan.reproduce.experiment import Experiment
from memoryspan.reproduce.suite import SUITE
from memoryspan.spans.answer import Answer
from memoryspan.spans.summary import Interval, interval
from memoryspan.spans.trial import Outcome, Trial


@dataclass(frozen=True)
class Comparison:
    """A row of the table: an experiment, over seeds. Without a single answer there is no figure but `failures`."""

    name: str
    experiment: Experiment | None
    """None where this version has none of that name."""
    curriculum: bool
    seeds: int
    """That have an answer."""
    failures: int
    """Trials that ended in an error; they are in no figure."""
    solved: int
    """Seeds that met the criterion within the budget."""
    budget: int
    sequences: float | None
    """Trained on until the criterion was met, the median over seeds; infinite where at least half never met it."""
    spread: Interval | None
    """Of that median; its ends may be infinite."""
    accuracy: float | None
    """On fresh sequences at the end, the median over seeds."""
    rms_error: float | None
    seconds: float | None
    """Of training, the median over seeds."""
    parameters: int | None

    @property
    def ratio(self) -> float | None:
        """Measured over published sequences; None where either is not known, or the criterion was not met."""
        published = self.experiment.published.sequences if self.experiment else None
        if not published or self.sequences is None or self.sequences == np.inf or not self.comparable:
            return None
        return self.sequences / published

    @property
    def comparable(self) -> bool:
        """Whether there is a published number of sequences that got there itself."""
        published = self.experiment.published if self.experiment else None
        return bool(published and published.sequences and published.accuracy != 0)

    @property
    def success(self) -> tuple[float, float] | None:
        """The 95 % interval of the share of seeds that solve it."""
        return wilson(self.solved, self.seeds) if self.seeds else None


def compare(answers: Sequence[Answer]) -> list[Comparison]:
    """A row for each experiment, with the curriculum and without, in the order in which they first come."""
    rows: dict[tuple[str, bool], list[Answer]] = {}
    for answer in answers:
        if isinstance(answer.cell, Trial):
            rows.setdefault((answer.cell.experiment, answer.cell.curriculum), []).append(answer)
    return [_comparison(*key, alike) for key, alike in rows.items()]


def _comparison(name: str, curriculum: bool, answers: Sequence[Answer]) -> Comparison:
    found = [answer.found for answer in answers if isinstance(answer.found, Outcome)]
    needed = np.array([np.inf if each.sequences is None else each.sequences for each in found])
    (budget,) = {answer.cell.budget.examples for answer in answers}

    def median(values) -> float | None:
        return float(np.median(values)) if found else None

    return Comparison(
        name=name,
        experiment=SUITE.get(name),
        curriculum=curriculum,
        seeds=len(found),
        failures=len(answers) - len(found),
        solved=int(np.isfinite(needed).sum()),
        budget=budget or 0,
        sequences=_median(needed) if found else None,
        spread=interval(needed) if found else None,
        accuracy=median([each.accuracy.value for each in found]),
        rms_error=median([each.rms_error for each in found]),
        seconds=median([each.seconds for each in found]),
        parameters=found[0].parameters if found else None,
    )


def _median(values: np.ndarray) -> float:
    """Infinite where the upper of the middle two is: the mean of a number and none is none."""
    return float(np.median(values)) if np.isfinite(np.sort(values)[len(values) // 2]) else np.inf
