"""A task of one's own: was the first symbol seen again?

    memoryspan train --task examples/own_task.py:Again --length 20
    memoryspan span --task examples/own_task.py:Again,n_features=8 --model lstm --model gru

A task is a frozen dataclass with the members of `memoryspan.Task`. `length` is the width of the arrays that it samples;
how long each example in them is, it is told.
"""

from dataclasses import dataclass

import jax.numpy as jnp

from memoryspan import Batch
from memoryspan.sampling import row_lengths, symbols


@dataclass(frozen=True)
class Again:
    """Whether the first of `length` symbols comes a second time."""

    length: int = 20
    n_features: int = 16

    name = "again"
    return_sequences = False
    n_outputs = 2
    loss = "categorical_crossentropy"
    activation = "softmax"
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

    def correct(self, predictions, targets):
        """The likelier of the two answers is the right one."""
        return predictions.argmax(-1) == targets
