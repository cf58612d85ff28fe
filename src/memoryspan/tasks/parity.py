"""Say at every step whether an odd number of ones has come so far.

Parity check (Delétang et al. 2022, "Neural Networks and the Chomsky Hierarchy", arXiv 2207.02098, who ask at the end
alone): one bit of memory, which every step may change.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number


@checked
@dataclass(frozen=True)
class Parity(Classification):
    """The parity of the bits so far, at each of `length` steps.

    Raises:
        TaskError: `length` is not a whole number in its range.
    """

    length: int = 40

    name: ClassVar[str] = "parity"
    return_sequences: ClassVar[bool] = True

    def __post_init__(self):
        whole_number("length", self.length, at_least=1, instead="40, for example")

    @property
    def n_features(self) -> int:
        """A bit."""
        return 2

    @property
    def n_outputs(self) -> int:
        """Even and odd."""
        return 2

    @property
    def min_length(self) -> int:
        """The parity of a bit is the bit."""
        return 1

    @property
    def chance(self) -> float:
        """Every step is a guess of its own."""
        return 0.5**self.length

    def lag(self, length: int) -> int:
        """Steps between the first bit and the last answer."""
        return length - 1

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Independent bits, 1 as often as 0."""
        import jax.numpy as jnp

        from memoryspan.sampling import require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        bits = symbols(key, batch_size, self.length, 2)
        lengths = row_lengths(length, batch_size)
        return Batch(bits, lengths, bits.cumsum(1) % 2, jnp.arange(self.length) < lengths[:, None])
