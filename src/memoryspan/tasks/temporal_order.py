"""Tell in which order a few symbols came, far apart in a sequence of others.

Hochreiter & Schmidhuber, Neural Computation 9, 1997, experiments 6a (two marks, four classes) and 6b (three marks,
eight classes). A sequence begins with E and ends with B; in between stand a, b, c and d, except for an X or a Y at the
marks. Published lengths are 100 to 110, with the places of `PLACES`, counted from the first step, which is 0 here. At
other lengths the places keep their proportions, to 100 below and to 110 above.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number

PLACES = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}
"""By the number of marks: the first and the last place of each, at lengths of 100 to 110 (1997)."""


@checked
@dataclass(frozen=True)
class TemporalOrder(Classification):
    """Tell the order of `n_marks` marks, each an X or a Y, in `length` steps: 2 is experiment 6a, 3 is 6b.

    Inputs are a, b, c, d, X, Y, E and B; the classes are the orders in their alphabetical order.

    Raises:
        TaskError: a setting is not a whole number in its range.
    """

    length: int = 100
    n_marks: int = 2

    name: ClassVar[str] = "temporal_order"
    return_sequences: ClassVar[bool] = False

    def __post_init__(self):
        whole_number("n_marks", self.n_marks, at_least=2, at_most=3, instead="2")
        given = f" for n_marks={self.n_marks}"
        whole_number("length", self.length, at_least=self.min_length, given=given, instead="100, for example")

    @property
    def n_features(self) -> int:
        """Four distractors, X, Y, and the symbols of the beginning and of the end."""
        return 8

    @property
    def n_outputs(self) -> int:
        """One class an order."""
        return 2**self.n_marks

    @property
    def min_length(self) -> int:
        """The marks between the beginning and the end."""
        return self.n_marks + 2

    @property
    def chance(self) -> float:
        """One order is as likely as another."""
        return 1 / self.n_outputs

    def lag(self, length: int) -> int:
        """Steps between the first place of the first mark and the end."""
        first, _ = PLACES[self.n_marks][0]
        return length - 1 - max(1, _scaled(first, length, min(max(length, 100), 110)))

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Independent, uniform distractors, marks, and places of the marks."""
        import jax
        import jax.numpy as jnp

        from memoryspan.sampling import integers, require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        for_distractors, for_marks, for_places = jax.random.split(key, 3)
        lengths, rows = row_lengths(length, batch_size), jnp.arange(batch_size)
        marks = symbols(for_marks, batch_size, self.n_marks, 2)
        first, last = _bounds(lengths, self.n_marks)
        places = integers(for_places, first.shape, first, last + 1).T
        inputs = symbols(for_distractors, batch_size, self.length, 4)
        inputs = inputs.at[rows[:, None], places].set(4 + marks).at[:, 0].set(6).at[rows, lengths - 1].set(7)
        targets = (marks * 2 ** jnp.arange(self.n_marks)[::-1]).sum(1)
        return Batch(inputs, lengths, targets, jnp.ones(batch_size, bool))


def _scaled(place, length, reference):
    """place · length / reference, rounded down, without a product that outgrows 32 bits; numbers or arrays."""
    return length // reference * place + length % reference * place // reference


def _bounds(lengths: Int[Array, "batch"], n_marks: int) -> tuple[Int[Array, "marks batch"], Int[Array, "marks batch"]]:
    """The first and the last place of each mark, in rows of these lengths; in short ones, where there is room."""
    import jax.numpy as jnp

    published = jnp.array(PLACES[n_marks])[..., None]
    scaled = _scaled(published, lengths, jnp.clip(lengths, 100, 110))
    order = jnp.arange(n_marks)[:, None]
    first = jnp.maximum(scaled[:, 0], order + 1)
    return first, jnp.clip(scaled[:, 1], first, lengths - 1 - n_marks + order)
