"""Tell, after a very long time, which of two symbols stood near the beginning.

Hochreiter & Schmidhuber, Neural Computation 9(8), 1997, experiment 2c (very long time lags, no local regularities):
(b, x, distractors, e), after which x comes again, or the same with y. Published are 50 to 1,000 distractor symbols to
draw from, and at least q = 50 … 1,000 of them in a sequence; after these each step ends the sequence with a probability
of 1/10, so that it has q + 3 steps or more. Here the lengths are chosen; the default has q = 100.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number


@checked
@dataclass(frozen=True)
class Distractors(Classification):
    """Tell x from y, seen at the second of `length` steps, after symbols drawn out of `n_distractors`.

    Inputs are the distractors, then e, b, x and y; the classes are x and y.

    Raises:
        TaskError: a setting is not a whole number in its range.
    """

    length: int = 103
    n_distractors: int = 100

    name: ClassVar[str] = "distractors"
    return_sequences: ClassVar[bool] = False

    def __post_init__(self):
        whole_number("n_distractors", self.n_distractors, at_least=1, at_most=2**31 - 5, instead="100, for example")
        whole_number("length", self.length, at_least=self.min_length, instead="103, for example")

    @property
    def n_features(self) -> int:
        """The distractors, e, b, x and y."""
        return self.n_distractors + 4

    @property
    def n_outputs(self) -> int:
        """x and y."""
        return 2

    @property
    def min_length(self) -> int:
        """b, x or y, and e, without any distractor."""
        return 3

    @property
    def chance(self) -> float:
        """x is as likely as y."""
        return 0.5

    def lag(self, length: int) -> int:
        """Steps between x or y and the end."""
        return length - 2

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Independent, uniform distractors, and x as often as y."""
        import jax
        import jax.numpy as jnp

        from memoryspan.sampling import require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        for_distractors, for_targets = jax.random.split(key)
        lengths, rows = row_lengths(length, batch_size), jnp.arange(batch_size)
        targets = symbols(for_targets, batch_size, 1, 2)[:, 0]
        e, b, x = range(self.n_distractors, self.n_distractors + 3)
        inputs = symbols(for_distractors, batch_size, self.length, self.n_distractors)
        inputs = inputs.at[:, 0].set(b).at[:, 1].set(x + targets).at[rows, lengths - 1].set(e)
        return Batch(inputs, lengths, targets, jnp.ones(batch_size, bool))
