"""Remember what followed a special token, and say it when that token returns.

Induction heads (Olsson et al. 2022, arXiv 2209.11895) as a task of its own (Gu & Dao 2023, arXiv 2312.00752): trained
at a length of 256, with a vocabulary of 16, and tested up to 2**20.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number


@checked
@dataclass(frozen=True)
class Induction(Classification):
    """Say, at the last of `length` steps, which token followed the special one; the special one is the last token.

    Raises:
        TaskError: a setting is not a whole number in its range.
    """

    length: int = 256
    n_features: int = 16

    name: ClassVar[str] = "induction"
    return_sequences: ClassVar[bool] = False

    def __post_init__(self):
        whole_number("n_features", self.n_features, at_least=3, instead="16, for example")
        whole_number("length", self.length, at_least=self.min_length, instead="256, for example")

    @property
    def n_outputs(self) -> int:
        """One class a token."""
        return self.n_features

    @property
    def min_length(self) -> int:
        """The special token, its follower, and the special token again."""
        return 3

    @property
    def chance(self) -> float:
        """One ordinary token is as likely as another."""
        return 1 / (self.n_features - 1)

    def lag(self, length: int) -> int:
        """Steps between the follower and the end, at the most: where the special token comes first of all."""
        return length - 2

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Independent, uniform tokens, and a uniform place of the special one, two steps from the end or more."""
        import jax
        import jax.numpy as jnp

        from memoryspan.sampling import integers, require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        for_tokens, for_place = jax.random.split(key)
        special, rows = self.n_features - 1, jnp.arange(batch_size)
        lengths = row_lengths(length, batch_size)
        place = integers(for_place, (batch_size,), 0, lengths - 2)
        tokens = symbols(for_tokens, batch_size, self.length, special)
        inputs = tokens.at[rows, place].set(special).at[rows, lengths - 1].set(special)
        return Batch(inputs, lengths, tokens[rows, place + 1], jnp.ones(batch_size, bool))
