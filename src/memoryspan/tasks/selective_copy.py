"""Pick symbols out of noise, and give them back in order.

Selective copying (Jing et al., "Gated Orthogonal Recurrent Units", Neural Computation 31(4), 2019; Gu & Dao 2023,
arXiv 2312.00752, whose setting is 16 symbols to copy, a vocabulary of 16 and a length of 4,096). Unlike in plain
copying the places of the symbols are random, so that what is read decides what is kept.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number


@checked
@dataclass(frozen=True)
class SelectiveCopy(Classification):
    """Give back, in order, the `n_copied` symbols that stand among noise, in the last `n_copied` steps of `length`.

    Inputs are n_features - 2 symbols, then the noise, then the marker that asks for the next symbol. The published
    length is 4,096; the default is one that trains in a short time.

    Raises:
        TaskError: a setting is not a whole number in its range.
    """

    length: int = 64
    n_features: int = 16
    n_copied: int = 16

    name: ClassVar[str] = "selective_copy"
    return_sequences: ClassVar[bool] = True

    def __post_init__(self):
        whole_number("n_features", self.n_features, at_least=4, instead="16, for example")
        whole_number("n_copied", self.n_copied, at_least=1, at_most=2**30 - 1, instead="16, for example")
        given, instead = f" for n_copied={self.n_copied}", f"{self.min_length}, or a smaller n_copied"
        whole_number("length", self.length, at_least=self.min_length, given=given, instead=instead)

    @property
    def n_outputs(self) -> int:
        """One class a symbol that is copied: all but the noise and the marker."""
        return self.n_features - 2

    @property
    def min_length(self) -> int:
        """The symbols without any noise, and a marker for each."""
        return 2 * self.n_copied

    @property
    def chance(self) -> float:
        """Every symbol is a guess of its own."""
        return (1 / self.n_outputs) ** self.n_copied

    def lag(self, length: int) -> int:
        """Steps between a symbol and its copy, at the most: where no noise stands in front of it."""
        return length - self.n_copied

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Independent, uniform symbols at different places, every choice of places equally likely."""
        import jax
        import jax.numpy as jnp

        from memoryspan.sampling import distinct, require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        for_symbols, for_places = jax.random.split(key)
        copied = symbols(for_symbols, batch_size, self.n_copied, self.n_outputs)
        lengths = row_lengths(length, batch_size)
        places = jnp.sort(distinct(for_places, batch_size, self.n_copied, lengths - self.n_copied), axis=1)
        noise, marker = self.n_outputs, self.n_outputs + 1
        nth = jnp.arange(self.length) - (lengths[:, None] - self.n_copied)  # which of the answers a step is
        inputs = jnp.where(nth >= 0, marker, noise).at[jnp.arange(batch_size)[:, None], places].set(copied)
        targets = jnp.take_along_axis(copied, jnp.clip(nth, 0, self.n_copied - 1), axis=1)
        return Batch(inputs, lengths, targets, (nth >= 0) & (nth < self.n_copied))
