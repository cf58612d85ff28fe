"""Say whether the last symbol is the same as the first.

Delayed matching to sample, the classic test of working memory in animals (D. S. Blough, J. Exp. Anal. Behav. 2, 1959):
a sample, a delay full of distractors, and a probe.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number


@checked
@dataclass(frozen=True)
class Match(Classification):
    """Say whether the last of `length` symbols, out of `n_features`, is the first one: 1 if it is, 0 if not.

    Raises:
        TaskError: a setting is not a whole number in its range.
    """

    length: int = 20
    n_features: int = 16

    name: ClassVar[str] = "match"
    return_sequences: ClassVar[bool] = False

    def __post_init__(self):
        whole_number("n_features", self.n_features, at_least=2, instead="16, for example")
        whole_number("length", self.length, at_least=self.min_length, instead="20, for example")

    @property
    def n_outputs(self) -> int:
        """Another symbol, or the same."""
        return 2

    @property
    def min_length(self) -> int:
        """The probe right behind the sample."""
        return 2

    @property
    def chance(self) -> float:
        """Half of the probes match; both kinds are any symbol equally often, so that a probe alone tells nothing."""
        return 0.5

    def lag(self, length: int) -> int:
        """Steps between the sample and the probe."""
        return length - 1

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Independent, uniform symbols, and a probe that is the sample or one of the others, uniform too."""
        import jax
        import jax.numpy as jnp

        from memoryspan.sampling import integers, require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        for_symbols, for_answers, for_others = jax.random.split(key, 3)
        tokens = symbols(for_symbols, batch_size, self.length, self.n_features)
        lengths = row_lengths(length, batch_size)
        same = integers(for_answers, (batch_size,), 0, 2)
        other = (tokens[:, 0] + integers(for_others, (batch_size,), 1, self.n_features)) % self.n_features
        probe = jnp.where(same == 1, tokens[:, 0], other)
        inputs = tokens.at[jnp.arange(batch_size), lengths - 1].set(probe)
        return Batch(inputs, lengths, same, jnp.ones(batch_size, bool))
