"""A cell of a sweep: one model, one task, one seed, one budget; and how far back it was found to remember.

Plain data. Reading it imports neither JAX nor Keras, nor anything that it names.
"""

import hashlib
from typing import Literal

import msgspec

from memoryspan.accuracy import AccuracyRecord
from memoryspan.spec import Spec
from memoryspan.training.budget import Budget

FORMAT = 2
"""The version of cells and their answers. A change that older readers would misread adds one, and makes other cells of
them all. 2: cells and answers say of which kind they are."""


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """What every kind of cell asks for, and all that its answer depends on, the machine apart."""

    task: Spec
    """With all of its settings, the length apart where that is what is asked for."""
    model: Spec
    """With all of its settings but the seed."""
    seed: int
    budget: Budget
    batch_size: int

    @property
    def key(self) -> str:
        """What its file is called: a hash of all of it."""
        return hashlib.sha256(msgspec.json.encode((FORMAT, self), order="deterministic")).hexdigest()[:16]

    @property
    def repeatable(self) -> bool:
        """Whether the budget ends the training at the same update each time."""
        return self.budget.seconds is None


class Cell(Training, frozen=True, kw_only=True, tag="span"):
    """How far back does a model remember?"""

    max_length: int
    """The length, in time steps, beyond which nobody looks."""


class Span(msgspec.Struct, frozen=True):
    """How far back a model remembers."""

    length: int | None
    """In time steps; None where not even the task's shortest sequences are answered."""
    lag: int | None
    """In steps between the answer and what it depends on."""
    at_least: bool
    """Whether it is a ceiling of the experiment, and not of the model: nobody looked further, or the budget ended
    while the length was still growing."""

    def __str__(self) -> str:
        if self.length is None:
            return "none"
        return f"{'at least ' if self.at_least else ''}{self.length:,} steps (lag {self.lag:,})"


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What every kind of answer says of the training."""

    ended: str
    """How it ended: a value of `training.Status`."""
    parameters: int
    engine: Literal["unroll", "keras"]
    updates: int
    examples: int
    tokens: int
    skipped: int
    seconds: float


class Found(Trained, frozen=True, kw_only=True, tag="span"):
    """The answer to a cell: its spans, and the figures behind them."""

    learned: Span
    """The longest length mastered by training from scratch within the budget."""
    held: Span
    """The longest length at which the model as trained still holds, without more training."""
    curve: tuple[AccuracyRecord, ...]
    """The accuracy of the model as trained, by length."""
