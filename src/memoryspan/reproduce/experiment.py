"""An experiment: what was published, and the trials that repeat it.

Plain data. Reading it imports neither JAX nor Keras.
"""

from dataclasses import dataclass

from memoryspan.reproduce.trial import Criterion, Recipe
from memoryspan.spec import Spec
from memoryspan.training.budget import Budget


@dataclass(frozen=True)
class Published:
    """What a paper reports."""

    model: str
    """As the paper describes it, with its size."""
    source: str
    """Authors, year, table."""
    sequences: int | None = None
    """Training sequences until the criterion was met, the mean over trials; None if it is not reported."""
    seen: int | None = None
    """All training sequences, for a paper without a criterion."""
    accuracy: float | None = None
    """The fraction of right answers at the end; None where it is not reported."""
    says: str = ""
    """A result in words, in place of a figure or beside it."""

    def __str__(self) -> str:
        accuracy = "" if self.accuracy is None else f"{100 * self.accuracy:g} % right"
        sequences = "" if self.sequences is None else f"{self.sequences:,} sequences"
        seen = "" if self.seen is None else f"after {self.seen:,} sequences"
        return ", ".join(part for part in (accuracy, sequences, seen, self.says) if part)


@dataclass(frozen=True)
class Experiment:
    """A published experiment, and how it is repeated here."""

    name: str
    """Paper and experiment: `lstm-1997/adding-100`."""
    what: str
    """One line on what has to be remembered."""
    published: Published
    task: Spec
    """The task, at the longest length of the experiment."""
    min_length: int
    """The shortest length of the experiment, in time steps; lengths between are equally frequent."""
    model: Spec
    sequences: int
    """The budget of each training."""
    criterion: Criterion = Criterion()
    counts_run: bool = False
    """Whether the published number of sequences includes those that met the criterion; then ours includes them too."""
    batch_size: int = 32
    grow_above: float = 0.98
    """The running accuracy at which the length of the curriculum grows."""
    differs: str = ""
    """How our task, model or criterion differs from the published one, in sentences."""
    tried: str = ""
    """Sentences on attempts that did not solve it."""

    @property
    def recipe(self) -> Recipe:
        """The settings with which it is repeated here."""
        return Recipe(
            experiment=self.name,
            task=self.task,
            model=self.model,
            budget=Budget(examples=self.sequences),
            batch_size=self.batch_size,
            min_length=self.min_length,
            criterion=self.criterion,
            grow_above=self.grow_above,
        )
