"""A trial: a cell that asks not how far, but how many sequences a model needs until a criterion is met.

Plain data. Reading it imports neither JAX nor Keras, nor anything that it names.
"""

from typing import ClassVar

import msgspec

from memoryspan.accuracy import AccuracyRecord
from memoryspan.spans.cell import Trained, Training

TESTED = 2560
"""Fresh sequences at the end, as many as Hochreiter & Schmidhuber (1997) tested."""


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """When a model has solved a task: so many fresh sequences in a row without a mistake, or with few.

    `spans.criterion` says whether it is met.
    """

    in_a_row: int = 1000
    allowed: int = 0
    """Mistakes among them that do not matter."""
    below: float | None = None
    """The largest absolute error of each sequence, over outputs and steps, has to be below this; None where the task
    judges what is a mistake."""
    rms_below: float | None = None
    """The root of the mean square of those errors has to be below this; a mean of their sizes is then below it too."""

    @property
    def share(self) -> float:
        """Of right answers that it asks for."""
        return 1 - self.allowed / self.in_a_row

    def __str__(self) -> str:
        each = "right" if self.below is None else f"with errors below {self.below:g}"
        each += f", {self.allowed:,} excepted" if self.allowed else ""
        mean = "" if self.rms_below is None else f", their root mean square below {self.rms_below:.2g}"
        return f"{self.in_a_row:,} fresh sequences in a row {each}{mean}"


class Trial(Training, frozen=True, kw_only=True, tag="trial"):
    """How many sequences does a model need?"""

    experiment: str
    """What it is part of, like `lstm-1997/adding-100`."""
    min_length: int
    """Sequences are tested at lengths from this one to the task's, equally often."""
    criterion: Criterion
    curriculum: bool
    """Whether short sequences come first; else all lengths of the experiment from the beginning."""
    mastered: float
    """Of the curriculum: the running accuracy at which the length grows."""


class Outcome(Trained, frozen=True, kw_only=True, tag="outcome"):
    """The answer to a trial."""

    sequences: int | None
    """Trained on until the criterion was met; None where it was not."""
    accuracy: AccuracyRecord
    """On fresh sequences at the end; right is what the criterion calls so."""
    rms_error: float | None
    """Of their largest errors; None where that is not a number."""


class Trials(msgspec.Struct, frozen=True, tag="reproduce"):
    """What is asked of a sweep: each of these."""

    command: ClassVar[str] = "reproduce"
    """Of `memoryspan`, that asks so."""
    cells: tuple[Trial, ...]
    """In order."""
