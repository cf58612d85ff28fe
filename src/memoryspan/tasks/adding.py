"""Add two numbers that are marked in a long sequence of them.

The adding problem (Hochreiter & Schmidhuber, Neural Computation 9, 1997, experiment 4), in two forms:

`bai` (Bai et al. 2018, arXiv 1803.01271): numbers from 0 to 1, any two steps marked by 1, and the answer is the sum.

`1997`, as first published: numbers from -1 to 1; one mark among the first ten steps, the other among the first
length / 2 - 1 that are still unmarked; the first and the last step carry the mark -1; the answer is
0.5 + (X1 + X2) / 4. Where a mark falls on the first step, its number is set to zero, as published for X1 and here for
X2 as well, and the step keeps its -1. There the half is of the least of several lengths, and here of the example's own;
below 20 steps the first mark stands in the first half.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Bool, Float, Int

from memoryspan.tasks.base import Batch
from memoryspan.validate import checked, choice, whole_number


@checked
@dataclass(frozen=True)
class Adding:
    """Add the two marked numbers out of `length`; `form` is "bai" or "1997".

    Inputs are pairs of a number and its mark.

    Raises:
        TaskError: `length` is not a whole number in its range, or there is no such form.
    """

    length: int = 50
    form: str = "bai"

    name: ClassVar[str] = "adding"
    return_sequences: ClassVar[bool] = False
    loss: ClassVar[str] = "mean_squared_error"
    activation: ClassVar[str] = "linear"
    tolerance: ClassVar[float] = 0.04
    """An answer is right where it errs by less (1997)."""

    def __post_init__(self):
        if self.form == 1997:  # a command line reads it as a number
            object.__setattr__(self, "form", "1997")
        choice("form", self.form, ("bai", "1997"))
        given, instead = f" for form={self.form}", "50, for example"
        whole_number("length", self.length, at_least=self.min_length, given=given, instead=instead)

    @property
    def n_features(self) -> int:
        """The number and its mark."""
        return 2

    @property
    def n_outputs(self) -> int:
        """A number."""
        return 1

    @property
    def min_length(self) -> int:
        """Two steps to mark; in the form of 1997, in the first half."""
        return 2 if self.form == "bai" else 4

    @property
    def chance(self) -> float:
        """The share of sums that lie close to the middle, the most frequent one."""
        if self.form == "bai":
            return _both_near(self.tolerance)
        first, second = min(10, self.length // 2), self.length // 2 - 1
        zeroed = 1 / first + (1 - 1 / first) / second  # one of the marks falls on the first step
        return zeroed * 4 * self.tolerance + (1 - zeroed) * _both_near(2 * self.tolerance)

    def lag(self, length: int) -> int:
        """Steps between the first number that may count and the end; in 1997's form the very first is zero."""
        return length - 1 if self.form == "bai" else length - 2

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Independent, uniform numbers, two of them marked."""
        import jax
        import jax.numpy as jnp

        from memoryspan.sampling import distinct, require_draw, row_lengths

        require_draw(self, key, batch_size, length)
        for_numbers, for_places = jax.random.split(key)
        numbers = jax.random.uniform(for_numbers, (self.length, batch_size)).T  # time first, as in `symbols`
        lengths = row_lengths(length, batch_size)
        bai = self.form == "bai"
        places = distinct(for_places, batch_size, 2, lengths) if bai else _places(for_places, lengths)
        t = jnp.arange(self.length)
        marks = ((t == places[:, :1]) | (t == places[:, 1:])).astype(jnp.float32)
        if not bai:
            numbers = jnp.where((marks == 1) & (t == 0), 0, 2 * numbers - 1)
            marks = jnp.where((t == 0) | (t == lengths[:, None] - 1), -1, marks)
        total = jnp.take_along_axis(numbers, places, axis=1).sum(1)
        targets = total if bai else 0.5 + total / 4
        return Batch(jnp.stack([numbers, marks], axis=-1), lengths, targets, jnp.ones(batch_size, bool))

    def correct(
        self, predictions: Float[Array, "batch outputs"], targets: Float[Array, "batch"]
    ) -> Bool[Array, "batch"]:
        """The answer is close to the right one."""
        return abs(predictions[..., 0] - targets) < self.tolerance


def _places(key: Array, lengths: Int[Array, "batch"]) -> Int[Array, "batch 2"]:
    """Return the places of the two marks of the form of 1997."""
    import jax
    import jax.numpy as jnp

    from memoryspan.sampling import integers

    for_first, for_second = jax.random.split(key)
    first = integers(for_first, lengths.shape, 0, jnp.minimum(10, lengths // 2))
    second = integers(for_second, lengths.shape, 0, lengths // 2 - 1)
    return jnp.stack([first, second + (second >= first)], axis=1)


def _both_near(distance: float) -> float:
    """Return how often the sum of two numbers, uniform over a width of 1, lies within `distance` of its mean."""
    return 1 - (1 - distance) ** 2
