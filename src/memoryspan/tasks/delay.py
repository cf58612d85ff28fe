"""Say at every step what was seen a fixed number of steps ago.

The delayed recall by which the short-term memory of reservoirs is measured (H. Jaeger, "Short term memory in echo state
networks", GMD Report 152, 2002), here of symbols, as in the random memorization task (Illium et al. 2022). What has to
be held is `delay` symbols at once, whatever the length.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number


@checked
@dataclass(frozen=True)
class Delay(Classification):
    """The symbol `delay` steps back, at every step of `length` that has one, out of `n_features`.

    Raises:
        TaskError: a setting is not a whole number in its range.
    """

    length: int = 20
    n_features: int = 8
    delay: int = 4

    name: ClassVar[str] = "delay"
    return_sequences: ClassVar[bool] = True

    def __post_init__(self):
        whole_number("n_features", self.n_features, at_least=2, instead="8, for example")
        whole_number("delay", self.delay, at_least=0, at_most=2**31 - 2, instead="4, for example")
        given, instead = f" for delay={self.delay}", f"{self.min_length}, or a smaller delay"
        whole_number("length", self.length, at_least=self.min_length, given=given, instead=instead)

    @property
    def n_outputs(self) -> int:
        """One class a symbol."""
        return self.n_features

    @property
    def min_length(self) -> int:
        """The last step has its answer at the first."""
        return self.delay + 1

    @property
    def chance(self) -> float:
        """Every answer is a guess of its own."""
        return (1 / self.n_features) ** (self.length - self.delay)

    def lag(self, length: int) -> int:
        """The delay, whatever the length."""
        return self.delay

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Sequences of independent, uniform symbols."""
        import jax.numpy as jnp

        from memoryspan.sampling import require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        tokens = symbols(key, batch_size, self.length, self.n_features)
        lengths = row_lengths(length, batch_size)
        t = jnp.arange(self.length)
        targets = jnp.pad(tokens, ((0, 0), (self.delay, 0)))[:, : self.length]
        return Batch(tokens, lengths, targets, (t >= self.delay) & (t < lengths[:, None]))
