"""An experiment: what was published, and the trials that repeat it.

Plain data. Reading it imports neither JAX nor Keras.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memoryspan.reproduce.trial import Criterion, Trial, Trials
from memoryspan.spec import Spec
from memoryspan.training.budget import Budget


@dataclass(frozen=True)
class Published:
    """What a paper reports."""

    model: str
    """In its own words, with its size."""
    source: str
    """Where it says so: authors, year, table."""
    sequences: int | None = None
    """Trained on until the criterion was met, the mean of its trials; None where that is not reported."""
    seen: int | None = None
    """Trained on in all, where there was no criterion."""
    accuracy: float | None = None
    """The share of right answers at the end; None where that is not reported."""
    says: str = ""
    """What it reports in the place of such a figure, or with it."""

    def __str__(self) -> str:
        accuracy = "" if self.accuracy is None else f"{100 * self.accuracy:g} % right"
        sequences = "" if self.sequences is None else f"{self.sequences:,} sequences"
        seen = "" if self.seen is None else f"after {self.seen:,} sequences"
        return ", ".join(part for part in (accuracy, sequences, seen, self.says) if part)


@dataclass(frozen=True)
class Experiment:
    """A published experiment, and how it is repeated here."""

    name: str
    """Of the paper, and in it: `lstm-1997/adding-100`."""
    what: str
    """What has to be remembered, in a line."""
    published: Published
    task: Spec
    """At the longest length of the experiment."""
    min_length: int
    """The shortest length of the experiment, in time steps; lengths between are equally frequent."""
    model: Spec
    sequences: int
    """The budget of a training."""
    criterion: Criterion = Criterion()
    counts_run: bool = False
    """Whether the published number of sequences has in it those that met the criterion; then ours has them as well."""
    batch_size: int = 32
    mastered: float = 0.98
    """Of the curriculum: the running accuracy at which the length grows."""
    differs: str = ""
    """In what ours is another task, model or criterion than the published one; sentences."""
    tried: str = ""
    """Where it is not solved: what was tried; sentences."""

    def trials(self, seeds: Iterable[int]) -> list[Trial]:
        """With each of the seeds, with the curriculum and then without, as published."""
        return [
            Trial(
                experiment=self.name,
                task=self.task,
                model=self.model,
                seed=seed,
                budget=Budget(examples=self.sequences),
                batch_size=self.batch_size,
                min_length=self.min_length,
                criterion=self.criterion,
                curriculum=curriculum,
                mastered=self.mastered,
            )
            for curriculum in (True, False)
            for seed in seeds
        ]


def trials(experiments: Sequence[Experiment], seeds: Sequence[int]) -> Trials:
    """All trials of experiments, as a sweep asks for them."""
    return Trials(tuple(trial for experiment in experiments for trial in experiment.trials(seeds)))
