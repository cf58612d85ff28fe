"""Short sequences first, longer ones as soon as those are mastered.

What makes the tutorial's model learn. A gradient that has to cross 47 steps of an untrained LSTM says nothing about
the symbol at its far end; one that crosses a single step does, and what is learned there carries over to a length
twice as long. The idea of growing the difficulty is old (Elman, Cognition 48, 1993; Bengio et al., ICML 2009); the
constants here were measured on the echo task (`python -m benchmarks.solve`).
"""

import math

import jax.numpy as jnp
import msgspec
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from memoryspan.errors import TaskError
from memoryspan.sampling import integers
from memoryspan.training.schedule import DECAY, MIN_UPDATES, Progress
from memoryspan.training.step import GradientGuard, StepDecay
from memoryspan.validate import INDEX, number, shown, whole_number


class Curriculum(msgspec.Struct, frozen=True, kw_only=True, tag="curriculum", tag_field="kind"):
    """Lengths from the shortest to the current one; the current one grows when mastered, shrinks when lost.

    Attributes:
        growth: the factor by which the current length grows and shrinks.
        grow_above: the running accuracy at which it grows.
        min_updates: updates that a length lasts at least, so that a lucky batch does not count. Where `step_decay`
            shortens steps to a fraction, a length lasts min_updates / fraction: what is left half learned at a length
            where updates are cheap has to be learned at one where they are not.
        decay: the weight of a batch in the running accuracy, relative to the batch after it.
        shrink_below: it shrinks where the running accuracy, counted from chance (0) to perfect (1), is below this. A
            length grown by 2 still leaves a model that masters what came before with 0.4, so that far less means that
            even that is gone.
        patience: updates after the last change before it shrinks.
        full_length_fraction: the fraction of each batch at the full current length; the others are drawn uniformly.
        consolidate_fraction: a length up to this fraction of the longest, and beyond `step_decay.from_length`, costs
            little beside what comes, and is consolidated.
        consolidate_factor: a consolidated length lasts this many times as long. With 1 how long a length lasts does
            not depend on the longest.
        step_decay: how steps shrink with the length.
        gradient_guard: which gradients are skipped; None skips only those that are not finite.
    """

    growth: float = 2.0
    grow_above: float = 0.98
    min_updates: int = MIN_UPDATES
    decay: float = DECAY
    shrink_below: float = 0.1
    patience: int = 100
    full_length_fraction: float = 0.25
    consolidate_fraction: float = 1 / 32
    consolidate_factor: int = 4
    step_decay: StepDecay = StepDecay()
    gradient_guard: GradientGuard | None = GradientGuard()

    def __post_init__(self):
        number("growth", self.growth, above=1, instead="2, for example")
        for name in ("grow_above", "shrink_below", "full_length_fraction", "consolidate_fraction"):
            number(name, getattr(self, name), at_least=0, at_most=1, instead="0.5, for example")
        number("decay", self.decay, at_least=0, at_most=0.999, instead="0.8, for example")
        for name in ("min_updates", "patience"):
            number(name, getattr(self, name), at_least=0, at_most=INDEX, instead="100, for example")
        whole_number("consolidate_factor", self.consolidate_factor, at_least=1, instead="4, or 1 not to consolidate")
        if not isinstance(self.step_decay, StepDecay) or not isinstance(self.gradient_guard, GradientGuard | None):
            raise TaskError(
                f"step_decay must be a StepDecay, and gradient_guard a GradientGuard or None, got "
                f"{shown(self.step_decay)} and {shown(self.gradient_guard)}."
            )

    def start(self, min_length: int, max_length: int) -> Progress:
        """Return the progress before the first update: at the shortest length."""
        return Progress.start(min_length)

    def lengths(self, key: Array, progress: Progress, batch_size: int, min_length: int) -> Int[Array, "batch"]:
        """Draw a length for each example: the first rows have the current length, the others lengths up to it."""
        drawn = integers(key, (batch_size,), min_length, progress.length + 1)
        at_full_length = jnp.arange(batch_size) < int(batch_size * self.full_length_fraction)
        return jnp.where(at_full_length, progress.length, drawn)

    def one_length(self, updates: int, length: int, min_length: int) -> int:
        """Return one length for all examples of a chunk: drawn as for an example, and rounded up to an earlier one."""
        at_full_length, drawn = np.random.default_rng(updates).random(2)
        full = at_full_length < self.full_length_fraction
        drawn = length if full else min_length + int(drawn * (length - min_length + 1))
        step = min_length
        while step < drawn:
            step = max(math.ceil(step * self.growth), step + 1)
        return min(step, length)

    def has_lasted(self, progress: Progress, max_length: int) -> Bool[Array, ""]:
        """Return whether the current length has had its least number of updates, whatever the accuracy."""
        length, decay = progress.length, self.step_decay
        consolidates = (length > decay.from_length) & (length <= self.consolidate_fraction * max_length)
        factor = jnp.where(consolidates, self.consolidate_factor, 1)
        return progress.updates >= factor * self.min_updates / decay.fraction(length)

    def advance(
        self, progress: Progress, accuracy: Float[Array, ""], chance: float, min_length: int, max_length: int
    ) -> Progress:
        """Return the progress after one more batch with this accuracy; lengths stay in min_length … max_length."""
        now = progress.after_batch(accuracy, self.decay)
        # At least a step, and a mean of ones is not quite 1 in float32.
        longer = jnp.maximum(jnp.ceil(now.length * self.growth).astype(jnp.int32), now.length + 1)
        grown = jnp.minimum(longer, max_length)
        is_mastered = (now.accuracy >= self.grow_above - 1e-6) & self.has_lasted(now, max_length)
        shrunk = jnp.maximum((now.length / self.growth).astype(jnp.int32), min_length)
        above_chance = (now.accuracy - chance) / (1 - chance)
        is_lost = (above_chance < self.shrink_below) & (now.updates >= self.patience)
        length = jnp.where(is_mastered, grown, jnp.where(is_lost, shrunk, now.length))
        changed = length != now.length
        return Progress(length, jnp.where(changed, 0.0, now.accuracy), jnp.where(changed, 0, now.updates))
