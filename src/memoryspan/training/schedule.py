"""Which lengths a model is trained on, and when they change: what any schedule of lengths has to provide."""

from typing import NamedTuple, Protocol

import jax.numpy as jnp
import msgspec
from jaxtyping import Array, Bool, Float, Int

from memoryspan.sampling import integers
from memoryspan.training.step import GradientGuard, StepDecay
from memoryspan.validate import whole_number

DECAY = 0.8
"""The weight of a batch in the running accuracy, relative to the batch after it."""

MIN_UPDATES = 4
"""Updates that a length lasts at least, so that a lucky batch does not count."""


class Progress(NamedTuple):
    """Where a schedule stands: a pytree that travels through the compiled loop."""

    length: Int[Array, ""]
    """The current length: the longest that is drawn."""
    accuracy: Float[Array, ""]
    """Running mean of the accuracy of the batches since the length last changed; 0 before the first."""
    updates: Int[Array, ""]
    """Updates since the length last changed."""

    @classmethod
    def start(cls, length: int) -> "Progress":
        """Return the progress before the first update at a length."""
        return cls(jnp.int32(length), jnp.float32(0), jnp.int32(0))

    def after_batch(self, accuracy: Float[Array, ""], decay: float) -> "Progress":
        """Return the progress at the same length, with one more batch in the running mean."""
        updates = self.updates + 1
        # The sum of the weights so far, as Adam corrects its moments: the first batch counts in full.
        weights = (1 - decay**updates) / (1 - decay)
        return Progress(self.length, self.accuracy + (accuracy - self.accuracy) / weights, updates)


class LengthSchedule(Protocol):
    """A schedule of lengths, as pure functions of a `Progress`."""

    @property
    def step_decay(self) -> StepDecay | None:
        """How steps shrink with the length, or None."""
        ...

    @property
    def gradient_guard(self) -> GradientGuard | None:
        """Which gradients are skipped, or None."""
        ...

    def start(self, min_length: int, max_length: int) -> Progress:
        """Return the progress before the first update."""
        ...

    def lengths(self, key: Array, progress: Progress, batch_size: int, min_length: int) -> Int[Array, "batch"]:
        """Draw a length for each example of a batch."""
        ...

    def one_length(self, updates: int, length: int, min_length: int) -> int:
        """Return one length for all examples of a chunk, for models that take one length a batch.

        It is the current `length` or a shorter one, and follows from the number of updates so far, so that seeds that
        train together have the same.
        """
        ...

    def has_lasted(self, progress: Progress, max_length: int) -> Bool[Array, ""]:
        """Return whether the current length has had its least number of updates, whatever the accuracy."""
        ...

    def advance(
        self, progress: Progress, accuracy: Float[Array, ""], chance: float, min_length: int, max_length: int
    ) -> Progress:
        """Return the progress after one more batch with this accuracy; lengths stay in min_length … max_length."""
        ...


class UniformLengths(msgspec.Struct, frozen=True, tag="uniform", tag_field="kind"):
    """All lengths from `min_length` to the task's own, drawn uniformly throughout.

    This is training without a curriculum, as most trainings are published; steps and gradients are the optimizer's own.
    """

    min_length: int

    def __post_init__(self):
        whole_number("min_length", self.min_length, at_least=1, instead="the task's length")

    @property
    def step_decay(self) -> None:
        """None."""

    @property
    def gradient_guard(self) -> None:
        """None."""

    def start(self, min_length: int, max_length: int) -> Progress:
        """Return the progress before the first update: at the full length."""
        return Progress.start(max_length)

    def lengths(self, key: Array, progress: Progress, batch_size: int, min_length: int) -> Int[Array, "batch"]:
        """Draw a length for each example of a batch."""
        return integers(key, (batch_size,), self.min_length, progress.length + 1)

    def one_length(self, updates: int, length: int, min_length: int) -> int:
        """Return the full length."""
        return length

    def has_lasted(self, progress: Progress, max_length: int) -> Bool[Array, ""]:
        """Return whether there have been enough updates for a running mean."""
        return progress.updates >= MIN_UPDATES

    def advance(
        self, progress: Progress, accuracy: Float[Array, ""], chance: float, min_length: int, max_length: int
    ) -> Progress:
        """Return the progress after one more batch: the length stays."""
        return progress.after_batch(accuracy, DECAY)
