"""The order of lengths: short sequences first, longer ones as soon as those are mastered.

What makes the tutorial's model learn. A gradient that has to cross 47 steps of an untrained LSTM says nothing about
the symbol at its far end; one that crosses a single step does, and what is learned there carries over to a length
twice as long. The idea of growing the difficulty is old (Elman, Cognition 48, 1993; Bengio et al., ICML 2009); the
constants here were measured on the echo task (`python -m benchmarks.solve`).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from memoryspan.errors import TaskError
from memoryspan.sampling import integers
from memoryspan.validate import whole_number


class Progress(NamedTuple):
    """Where a curriculum stands: a pytree that travels through the compiled loop."""

    length: Int[Array, ""]
    """The current length: the longest that is drawn."""
    accuracy: Float[Array, ""]
    """Running mean of the accuracy of the batches since the length last changed; 0 before the first."""
    updates: Int[Array, ""]
    """Updates since the length last changed."""


@dataclass(frozen=True)
class Curriculum:
    """Lengths from the shortest to the current one; the current one grows when mastered, shrinks when lost.

    Attributes:
        growth: the factor by which the current length grows and shrinks.
        mastered: the running accuracy at which it grows …
        least: … this many updates after the last change, or later, so that a lucky batch does not count; where steps
            shrink to a share of themselves, least / share: what is left half learned at a length where updates are
            cheap has to be learned at one where they are not.
        settle: a length that is beyond slow_from and at most this share of the longest lasts …
        settle_for: … this many times as long, which costs little beside what comes. With 1 how long a length lasts does
            not depend on the longest.
        decay: what a batch still weighs in the running accuracy, of what the batch after it weighs.
        lost: it shrinks where the running accuracy, counted from chance (0) to perfect (1), is below this …
        patience: … this many updates after the last change. A length grown by 2 still leaves a model that masters
            what came before with 0.4, so that far less means that even that is gone.
        full_share: the share of each batch that stands at the full current length; the others are drawn uniformly.
        slow_from: beyond this length steps shrink as (slow_from / length) ** slow_power: far out the same step
            in the weights moves the answer more.
        explodes: the norm of a gradient above which nothing is learned from it, at a length …
        explodes_from: … beyond this one, and from a batch that is all right. Such a batch holds nothing that needs so
            long a gradient: it has exploded on the way (Bengio et al., IEEE Trans. Neural Netw. 5, 1994), and even
            clipped it points anywhere. Meant for a mean over some dozens of examples; with inf there is no such rule.
        unordered_from: None; or a length from which to the full one all are drawn, uniformly and throughout, by
            whole steps: no curriculum, as trainings are published, to compare with.
    """

    growth: float = 2.0
    mastered: float = 0.98
    least: int = 4
    decay: float = 0.8
    lost: float = 0.1
    patience: int = 100
    full_share: float = 0.25
    slow_from: int = 32
    slow_power: float = 0.25
    settle: float = 1 / 32
    settle_for: int = 4
    explodes: float = 5.0
    explodes_from: int = 1024
    unordered_from: int | None = None

    def __post_init__(self):
        if not self.growth > 1:
            raise TaskError(f"growth must be above 1, so that lengths grow, and it is {self.growth!r}.")
        for name in ("mastered", "lost", "full_share", "settle"):
            if not 0 <= getattr(self, name) <= 1:
                raise TaskError(f"{name} is a share, from 0 to 1, and it is {getattr(self, name)!r}.")
        if not 0 <= self.decay <= 0.999:
            raise TaskError(f"decay must be from 0 to 0.999, so that batches are forgotten, and it is {self.decay!r}.")
        if not (self.slow_from >= 1 and self.slow_power >= 0):
            raise TaskError(
                f"slow_from must be at least 1 and slow_power at least 0, and they are {self.slow_from!r} and "
                f"{self.slow_power!r}."
            )
        if not (self.explodes > 0 and self.explodes_from >= 1):
            raise TaskError(
                f"explodes must be above 0 and explodes_from at least 1, and they are {self.explodes!r} and "
                f"{self.explodes_from!r}."
            )
        whole_number("settle_for", self.settle_for, at_least=1, instead="4, or 1 not to settle")
        if self.unordered_from is not None:
            whole_number("unordered_from", self.unordered_from, at_least=1, instead="the task's length, or None")

    def start(self, min_length: int, max_length: int) -> Progress:
        """The beginning, at the shortest length; without an order at the longest."""
        length = min_length if self.unordered_from is None else max_length
        return Progress(jnp.int32(length), jnp.float32(0), jnp.int32(0))

    def lengths(self, key: Array, progress: Progress, batch_size: int, min_length: int) -> Int[Array, "batch"]:
        """A length for each example: the first rows at the current length, the others drawn up to it."""
        if self.unordered_from is not None:
            return integers(key, (batch_size,), self.unordered_from, progress.length + 1)
        drawn = integers(key, (batch_size,), min_length, progress.length + 1)
        at_full_length = jnp.arange(batch_size) < int(batch_size * self.full_share)
        return jnp.where(at_full_length, progress.length, drawn)

    def one_length(self, updates: int, length: int, min_length: int) -> int:
        """A length for all examples of some updates, where a batch has one: `length`, the current one, or one before.

        Drawn as for an example, and rounded up to a length at which the curriculum has been. Which one follows from
        the number of updates so far, so that seeds that train together have the same.
        """
        if self.unordered_from is not None:
            return length
        at_full_length, drawn = np.random.default_rng(updates).random(2)
        drawn = length if at_full_length < self.full_share else min_length + int(drawn * (length - min_length + 1))
        step = min_length
        while step < drawn:
            step = max(math.ceil(step * self.growth), step + 1)
        return min(step, length)

    def step_size(self, progress: Progress) -> Float[Array, ""]:
        """The share of the optimizer's own step to take at this length: 1 up to `slow_from`."""
        if self.unordered_from is not None:
            return jnp.float32(1)
        return jnp.minimum(1.0, (self.slow_from / progress.length) ** self.slow_power).astype(jnp.float32)

    def has_exploded(self, progress: Progress, norm: Float[Array, ""], accuracy: Float[Array, ""]) -> Bool[Array, ""]:
        """Whether a gradient of this norm, from a batch with this accuracy, is to change nothing."""
        if self.unordered_from is not None:
            return jnp.bool(False)
        return (progress.length > self.explodes_from) & (accuracy > 1 - 1e-6) & (norm > self.explodes)

    def has_seen_enough(self, progress: Progress, max_length: int) -> Bool[Array, ""]:
        """Whether this length has lasted as many updates as it has to, whatever the accuracy."""
        settles = (progress.length > self.slow_from) & (progress.length <= self.settle * max_length)
        return progress.updates >= jnp.where(settles, self.settle_for, 1) * self.least / self.step_size(progress)

    def advance(
        self, progress: Progress, accuracy: Float[Array, ""], chance: float, min_length: int, max_length: int
    ) -> Progress:
        """The curriculum after one more batch, which had this accuracy; lengths stay in shortest … longest."""
        updates = progress.updates + 1
        # The sum of the weights so far, as Adam corrects its moments: the first batch counts in full.
        weights = (1 - self.decay**updates) / (1 - self.decay)
        running = progress.accuracy + (accuracy - progress.accuracy) / weights
        # At least a step, and a mean of ones is not quite 1 in float32.
        longer = jnp.maximum(jnp.ceil(progress.length * self.growth).astype(jnp.int32), progress.length + 1)
        grown = jnp.minimum(longer, max_length)
        moved = Progress(progress.length, running, updates)
        mastered = (running >= self.mastered - 1e-6) & self.has_seen_enough(moved, max_length)
        shrunk = jnp.maximum((progress.length / self.growth).astype(jnp.int32), min_length)
        is_lost = ((running - chance) / (1 - chance) < self.lost) & (updates >= self.patience)
        length = jnp.where(mastered, grown, jnp.where(is_lost, shrunk, progress.length))
        if self.unordered_from is not None:
            length = progress.length
        changed = length != progress.length
        return Progress(length, jnp.where(changed, 0.0, running), jnp.where(changed, 0, updates))
