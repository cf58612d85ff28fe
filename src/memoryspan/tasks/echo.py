"""Echo one symbol of a random sequence after all of it has been seen.

The task of the tutorial "vanilla LSTM, echo sequence prediction" (J. Brownlee, "Long Short-Term Memory Networks With
Python", 2017, chapter 6): `length` symbols drawn uniformly, and at the end the one at `out_index` is asked for.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, position, whole_number


@checked
@dataclass(frozen=True)
class Echo(Classification):
    """Echo the symbol at position `out_index` (counted from 0) of `length` symbols out of `n_features`.

    Raises:
        TaskError: a setting is not a whole number in its range.
    """

    length: int = 50
    n_features: int = 100
    out_index: int = 2

    name: ClassVar[str] = "echo"
    return_sequences: ClassVar[bool] = False

    def __post_init__(self):
        whole_number("length", self.length, at_least=1, instead="50, for example")
        whole_number("n_features", self.n_features, at_least=2, instead="100, for example")
        position("out_index", self.out_index, self.length)

    @property
    def n_outputs(self) -> int:
        """One class a symbol."""
        return self.n_features

    @property
    def min_length(self) -> int:
        """The sequence that ends with the symbol to echo."""
        return self.out_index + 1

    @property
    def chance(self) -> float:
        """One symbol is as likely as another."""
        return 1 / self.n_features

    def lag(self, length: int) -> int:
        """Steps between the symbol and the end of the sequence, where it is asked for."""
        return length - 1 - self.out_index

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Sequences of independent, uniform symbols."""
        import jax.numpy as jnp

        from memoryspan.sampling import require_draw, symbols

        require_draw(self, key, batch_size, length)
        tokens = symbols(key, batch_size, self.length, self.n_features)
        lengths = jnp.broadcast_to(jnp.asarray(length, jnp.int32), (batch_size,))
        return Batch(tokens, lengths, tokens[:, self.out_index], jnp.ones(batch_size, bool))
