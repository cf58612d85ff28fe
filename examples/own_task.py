"""A task of one's own: was the first symbol seen again?

    memoryspan train --task examples/own_task.py:Again --length 20
    memoryspan span --task examples/own_task.py:Again,n_features=8 --model lstm --model gru

A task is a frozen dataclass with the members of `memoryspan.Task`. `length` is the width of the arrays that it samples;
how long each example in them is, it is told. `Classification`
has the loss, the activation and what is right, of a task that is answered with a class.
"""

from dataclasses import dataclass

import jax.numpy as jnp

from memoryspan.sampling import row_lengths, symbols
from memoryspan.tasks import Batch, Classification


@dataclass(frozen=True)
class Again(Classification):
    """Whether the first of `length` symbols comes a second time."""

    length: int = 20
    n_features: int = 16

    name = "again"
    return_sequences = False
    n_outputs = 2
    min_length = 2

    @property
    def chance(self) -> float:
        """Of always giving the likelier answer."""
        never = (1 - 1 / self.n_features) ** (self.length - 1)
        return max(never, 1 - never)

    def lag(self, length: int) -> int:
        """From the last symbol back to the first."""
        return length - 1

    def sample(self, key, batch_size, length):
        """Fresh examples of a length, or of a length each; both may be known only when the program runs."""
        tokens = symbols(key, batch_size, self.length, self.n_features)
        lengths = row_lengths(length, batch_size)
        inside = jnp.arange(self.length) < lengths[:, None]
        seen_again = ((tokens == tokens[:, :1]) & inside)[:, 1:].any(axis=1)
        return Batch(tokens, lengths, seen_again.astype(jnp.int32), jnp.ones(batch_size, bool))
