"""A trial of a published experiment: how many sequences does a model need until a criterion is met?

Plain data. Reading it imports neither JAX nor Keras, nor anything that it names.
"""

from collections.abc import Iterable

import msgspec

from memoryspan.accuracy import AccuracyRecord
from memoryspan.spec import Spec
from memoryspan.sweeps.trial import TrainingCost, Trial
from memoryspan.training.budget import Budget

TESTED = 2560
"""The number of fresh sequences at the end, as in Hochreiter & Schmidhuber (1997)."""


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """When a model has solved a task: a number of consecutive fresh sequences with at most a few mistakes.

    `reproduce.criterion` tests it.
    """

    n_consecutive: int = 1000
    max_mistakes: int = 0
    max_abs_error: float | None = None
    """A sequence is a mistake unless its largest absolute error, over outputs and steps, is below this; None where the
    task decides."""
    max_rms_error: float | None = None
    """The root mean square of those errors has to be below this. The mean absolute error is then below it as well."""

    @property
    def required_accuracy(self) -> float:
        """The fraction of right answers that it takes."""
        return 1 - self.max_mistakes / self.n_consecutive

    def __str__(self) -> str:
        each = "right" if self.max_abs_error is None else f"with errors below {self.max_abs_error:g}"
        each += f", except for {self.max_mistakes:,}" if self.max_mistakes else ""
        rms = "" if self.max_rms_error is None else f", their root mean square below {self.max_rms_error:.2g}"
        return f"{self.n_consecutive:,} consecutive fresh sequences {each}{rms}"


class ReproduceTrial(Trial, frozen=True, kw_only=True, tag="reproduce"):
    """How many sequences does a model need?"""

    experiment: str
    """Its name, like `lstm-1997/adding-100`."""
    min_length: int
    """Sequences are tested at lengths from this one to the task's, equally often."""
    criterion: Criterion
    curriculum: bool
    """Whether short sequences come first; otherwise all lengths of the experiment come from the start."""
    grow_above: float
    """The running accuracy at which the length of the curriculum grows."""


class ReproduceResult(TrainingCost, frozen=True, kw_only=True, tag="reproduce"):
    """The result of a trial of an experiment."""

    sequences: int | None
    """Training sequences until the criterion was met; None if it was not."""
    accuracy: AccuracyRecord
    """The accuracy on fresh sequences at the end, with mistakes as the criterion defines them."""
    rms_error: float | None
    """The root mean square of their largest errors; None where that is not a finite number."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How an experiment is repeated: what its trials have in common."""

    experiment: str
    """Its name, like `lstm-1997/adding-100`."""
    task: Spec
    model: Spec
    budget: Budget
    batch_size: int
    min_length: int
    criterion: Criterion
    grow_above: float

    def __str__(self) -> str:
        return self.experiment

    def trials(self, seeds: Iterable[int]) -> list[ReproduceTrial]:
        """Return its trials with each of the seeds, with the curriculum and then without it, as published."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return [ReproduceTrial(seed=seed, curriculum=with_it, **fields) for with_it in (True, False) for seed in seeds]


class ReproduceSweepConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which published experiments are repeated, each with each seed."""

    experiments: tuple[Recipe, ...]
    seeds: tuple[int, ...]

    @property
    def trials(self) -> list[ReproduceTrial]:
        """By experiment, then with the curriculum and without it, then by seed."""
        return [trial for recipe in self.experiments for trial in recipe.trials(self.seeds)]

    @property
    def subject(self) -> str:
        """The names of the papers."""
        return "-".join(dict.fromkeys(recipe.experiment.partition("/")[0] for recipe in self.experiments))
