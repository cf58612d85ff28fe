"""Recall the values of several keys, each asked for once and most of them soon.

Multi-query associative recall (Arora et al. 2023, "Zoology", arXiv 2312.04927): pairs of a key and a value, then the
keys again as queries. Where a query stands follows a power law, as distances between repeated words do, and everything
else is filled with random tokens, which may look like keys. The paper's vocabulary is 8,192; ours is smaller by
default. Published code wants even lengths and a vocabulary larger than the length; neither is needed here.
"""

from dataclasses import dataclass
from math import perm
from typing import ClassVar

from jaxtyping import Array, Int

from memoryspan.tasks.base import Batch
from memoryspan.tasks.classification import Classification
from memoryspan.validate import checked, whole_number

POWER = 0.01
"""A query stands at the gap-th of its possible places with a probability ∝ gap ** (POWER - 1), from 1 (published)."""


@checked
@dataclass(frozen=True)
class Recall(Classification):
    """Give the value of a key at the step at which the key returns, for `n_pairs` pairs in `length` steps.

    Keys come from the first half of the `n_features` tokens (0 is none), values from the second, each at most once in
    an example. Queries stand at every second step behind the pairs, at most.

    Raises:
        TaskError: a setting is not a whole number in its range.
    """

    length: int = 64
    n_features: int = 64
    n_pairs: int = 4

    name: ClassVar[str] = "recall"
    return_sequences: ClassVar[bool] = True

    def __post_init__(self):
        whole_number("n_pairs", self.n_pairs, at_least=1, at_most=2**29 - 1, instead="4, for example")
        given, fewer = f" for n_pairs={self.n_pairs}", ", or a smaller n_pairs"
        tokens = 2 * self.n_pairs + 2
        whole_number("n_features", self.n_features, at_least=tokens, given=given, instead=f"{tokens}{fewer}")
        instead = f"{self.min_length}{fewer}"
        whole_number("length", self.length, at_least=self.min_length, given=given, instead=instead)

    @property
    def n_outputs(self) -> int:
        """One class a token, as published, though only values are right."""
        return self.n_features

    @property
    def min_length(self) -> int:
        """The pairs, and as many steps again for the queries."""
        return 4 * self.n_pairs

    @property
    def chance(self) -> float:
        """A guess that names a value at most once, as the examples do."""
        return 1 / perm(self.n_features - self.n_features // 2, self.n_pairs)

    def lag(self, length: int) -> int:
        """Steps between the value of the first pair and the last place of a query."""
        return length - 3 - length % 2

    def sample(self, key: Array, batch_size: int, length: int | Int[Array, ""] | Int[Array, "batch"]) -> Batch:
        """Different keys with different values, every choice equally likely; fillers are any tokens."""
        import jax
        import jax.numpy as jnp

        from memoryspan.sampling import distinct, require_draw, row_lengths, symbols

        require_draw(self, key, batch_size, length)
        for_keys, for_values, for_places, for_fillers = jax.random.split(key, 4)
        half, rows = self.n_features // 2, jnp.arange(batch_size)[:, None]
        keys = 1 + distinct(for_keys, batch_size, self.n_pairs, half - 1)
        values = half + distinct(for_values, batch_size, self.n_pairs, self.n_features - half)
        lengths = row_lengths(length, batch_size)
        places = self._places(for_places, lengths)
        pairs = jnp.stack([keys, values], axis=-1).reshape(batch_size, 2 * self.n_pairs)
        fillers = symbols(for_fillers, batch_size, self.length, self.n_features)
        inputs = fillers.at[:, : 2 * self.n_pairs].set(pairs).at[rows, places].set(keys)
        nothing = jnp.zeros_like(inputs)
        return Batch(inputs, lengths, nothing.at[rows, places].set(values), nothing.at[rows, places].set(1) > 0)

    def _places(self, key: Array, lengths: Int[Array, "batch"]) -> Int[Array, "batch pairs"]:
        """Return the place where each key returns: drawn one after the other, without putting back.

        The places whose exponential clocks ring first are such a draw (Efraimidis & Spirakis, Information Processing
        Letters 97, 2006), and need no sum that grows with the length.
        """
        import jax
        import jax.numpy as jnp

        front = 2 * self.n_pairs
        gap = jnp.arange(1, (self.length - front) // 2 + 1)
        bits = jax.random.bits(key, (len(gap), len(lengths)), jnp.uint32).T  # time first, as in `symbols`
        # All 32 bits: a distant place is drawn by the least of many numbers, and those of 23 bits are too coarse.
        ring = -jnp.log1p(-(bits.astype(jnp.float32) + 0.5) / 2.0**32) * gap ** (1 - POWER)
        ring = jnp.where(gap <= (lengths[:, None] - front) // 2, ring, jnp.inf)
        return front + 2 * jax.lax.top_k(-ring, self.n_pairs)[1]
