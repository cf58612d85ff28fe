"""A trial of a span sweep: how far back does one model remember on one task, with one seed and one budget?

Plain data. Reading it imports neither JAX nor Keras, nor anything that it names.
"""

import msgspec

from memoryspan.accuracy import AccuracyRecord
from memoryspan.spec import Spec
from memoryspan.sweeps.trial import TrainingCost, Trial
from memoryspan.training.budget import Budget


class SpanTrial(Trial, frozen=True, kw_only=True, tag="span"):
    """How far back does a model remember? The task has no length."""

    max_length: int
    """The maximum length that is tested, in time steps."""


class Span(msgspec.Struct, frozen=True):
    """How far back a model remembers."""

    length: int | None
    """In time steps; None where the model fails the task's shortest sequences."""
    lag: int | None
    """In steps between the answer and what it depends on."""
    at_least: bool
    """Whether the experiment ended before the model failed: at its maximum length, or with its budget while the length
    was still growing."""

    def __post_init__(self):
        if (self.length is None) != (self.lag is None):
            raise ValueError(f"a span has both a length and a lag, or neither: got {self.length} and {self.lag}")

    def __str__(self) -> str:
        if self.length is None:
            return "none"
        return f"{'at least ' if self.at_least else ''}{self.length:,} steps (lag {self.lag:,})"


class SpanResult(TrainingCost, frozen=True, kw_only=True, tag="span"):
    """The spans of a model, and the figures behind them."""

    learned: Span
    """The longest length mastered by training from scratch within the budget."""
    held: Span
    """The longest length that the trained model still masters, without more training (length generalisation)."""
    reached: int
    """The longest length of the curriculum in training, mastered or not."""
    curve: tuple[AccuracyRecord, ...]
    """The accuracy of the trained model, by length."""


class SpanSweepConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How far back does each model remember on each task, with each seed?"""

    tasks: tuple[Spec, ...]
    """As in a trial, with the hash of the file of user code."""
    models: tuple[Spec, ...]
    """Likewise."""
    seeds: tuple[int, ...]
    budget: Budget
    batch_size: int
    max_length: int

    @property
    def trials(self) -> list[SpanTrial]:
        """By task, then by model, then by seed. What is given twice runs once."""
        every = [
            SpanTrial(
                task=task,
                model=model,
                seed=seed,
                budget=self.budget,
                batch_size=self.batch_size,
                max_length=self.max_length,
            )
            for task in self.tasks
            for model in self.models
            for seed in self.seeds
        ]
        return list({trial.key: trial for trial in every}.values())

    @property
    def subject(self) -> str:
        """The names of the tasks."""
        return "-".join(task.name.rpartition(":")[2] for task in self.tasks)
