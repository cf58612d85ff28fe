"""Keep several symbols in mind over a long blank, and give them back in order.

The copying memory problem of Hochreiter & Schmidhuber (Neural Computation 9, 1997) in the form in which it is usually
measured (Arjovsky et al., ICML 2016, arXiv 1511.06464; Bai et al. 2018, arXiv 1803.01271): ten symbols out of eight,
blanks, a marker, and blanks again while the answers are given. Their delay T is a length of T + 20 here; the default
is T = 100. They count the blanks before the marker as answers as well; here only the symbols are asked for.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number


@checked
@dataclass(frozen=True)
class Copy(Classification):
    """Give back the first `n_copied` symbols, in order, in the last `n_copied` steps of `length`.

    Inputs are the `n_symbols` symbols, then the blank, then the marker.

    Raises:
        TaskError: a setting is not a whole number in its range.
    """

    length: int = 120
    n_symbols: int = 8
    n_copied: int = 10

    name: ClassVar[str] = "copy"
    return_sequences: ClassVar[bool] = True

    def __post_init__(self):
        whole_number("n_symbols", self.n_symbols, at_least=2, at_most=2**31 - 3, instead="8, for example")
        whole_number("n_copied", self.n_copied, at_least=1, at_most=2**30 - 1, instead="10, for example")
        given, instead = f" for n_copied={self.n_copied}", f"{self.min_length}, or a smaller n_copied"
        whole_number("length", self.length, at_least=self.min_length, given=given, instead=instead)

    @property
    def n_features(self) -> int:
        """The symbols, the blank and the marker."""
        return self.n_symbols + 2

    @property
    def n_outputs(self) -> int:
        """One class a symbol."""
        return self.n_symbols

    @property
    def min_length(self) -> int:
        """The marker right behind the symbols."""
        return 2 * self.n_copied + 1

    @property
    def chance(self) -> float:
        """Every symbol is a guess of its own."""
        return (1 / self.n_symbols) ** self.n_copied

    def lag(self, length: int) -> int:
        """Steps between a symbol and its copy, the same for each."""
        return length - self.n_copied

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Independent, uniform symbols to copy."""
        import jax.numpy as jnp

        from memoryspan.sampling import require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        copied = symbols(key, batch_size, self.n_copied, self.n_symbols)
        lengths = row_lengths(length, batch_size)
        blank, marker = self.n_symbols, self.n_symbols + 1
        inputs = jnp.pad(copied, ((0, 0), (0, self.length - self.n_copied)), constant_values=blank)
        nth = jnp.arange(self.length) - (lengths[:, None] - self.n_copied)  # which of the answers a step is
        inputs = jnp.where(nth == -1, marker, inputs)
        targets = jnp.take_along_axis(copied, jnp.clip(nth, 0, self.n_copied - 1), axis=1)
        return Batch(inputs, lengths, targets, (nth >= 0) & (nth < self.n_copied))
