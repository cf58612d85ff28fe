"""Predict a sequence whose last symbol is its first, with a long way in between.

Hochreiter & Schmidhuber, Neural Computation 9(8), 1997, experiments 2a (noise-free sequences with long time lags) and
2b (no local regularities), there with 101 symbols and lengths of 100. Two sequences are equally likely:
(y, a_1, …, a_p-1, y) and (x, a_1, …, a_p-1, x). In 2b the symbols between are drawn anew each time, and what counts is
the last answer.

Lengths other than the published one are ours: where there are fewer steps the sequence keeps the end of the alphabet,
so that a_p-1 is always the last symbol before the answer; where there are more, the alphabet comes again and again.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Bool, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, choice, whole_number


@checked
@dataclass(frozen=True)
class LongLag(Classification):
    """Predict the next symbol in `length` steps, the last of which leads back to the first; `form` is "2a" or "2b".

    Inputs are n_features - 2 symbols of an alphabet, in its order in 2a and at random in 2b, after x or y. In 2a every
    next symbol counts that follows from what has been seen: not the second one, unless it is the alphabet's
    first, and not what comes after the alphabet's last, unless it is the end. In 2b the last one alone counts.

    Raises:
        TaskError: a setting is not a whole number in its range, or there is no such form.
    """

    length: int = 100
    n_features: int = 101
    form: str = "2a"

    name: ClassVar[str] = "long_lag"
    return_sequences: ClassVar[bool] = True

    def __post_init__(self):
        choice("form", self.form, ("2a", "2b"))
        whole_number("n_features", self.n_features, at_least=3, instead="101, for example")
        whole_number("length", self.length, at_least=self.min_length, instead="100, for example")

    @property
    def n_outputs(self) -> int:
        """One class a symbol."""
        return self.n_features

    @property
    def min_length(self) -> int:
        """One symbol between the first and its return."""
        return 2

    @property
    def chance(self) -> float:
        """A guess that knows the alphabet, and guesses whether x or y."""
        return 0.5

    def lag(self, length: int) -> int:
        """Steps between the first symbol and the last step."""
        return length - 1

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """x or y, each as often, then the alphabet or, in 2b, independent, uniform symbols of it."""
        import jax
        import jax.numpy as jnp

        from memoryspan.sampling import require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        for_first, for_alphabet = jax.random.split(key)
        alphabet, rows = self.n_features - 2, jnp.arange(batch_size)
        lengths, t = row_lengths(length, batch_size), jnp.arange(self.length)
        first = alphabet + symbols(for_first, batch_size, 1, 2)[:, 0]
        if self.form == "2a":
            between = (t - lengths[:, None]) % alphabet  # the last step's is the last of the alphabet
        else:
            between = symbols(for_alphabet, batch_size, self.length, alphabet)
        inputs = between.at[:, 0].set(first)
        targets = jnp.roll(between, -1, axis=1).at[rows, lengths - 1].set(first)
        return Batch(inputs, lengths, targets, self._target_mask(inputs, lengths))

    def _target_mask(self, inputs: Int[Array, "batch time"], lengths: Int[Array, "batch"]) -> Bool[Array, "batch time"]:
        """Return where the next symbol follows from those so far."""
        import jax.numpy as jnp

        t, lengths = jnp.arange(self.length), lengths[:, None]
        last = t == lengths - 1
        if self.form == "2b":
            return last
        alphabet = self.n_features - 2
        follows = jnp.where(t == 0, lengths == alphabet + 1, inputs != alphabet - 1)
        return last | (follows & (t < lengths))
