"""The result of a training: a status with its message, the accuracy, and the history."""

from dataclasses import dataclass, field
from enum import StrEnum

from memoryspan.accuracy import Accuracy
from memoryspan.tables import html_table


class Status(StrEnum):
    """How a training ended; `message` is what happened and what to try."""

    SOLVED = "solved", "The full length is solved: fresh examples prove it."
    BUDGET = (
        "budget",
        "The budget is spent and the full length is not solved: give it a larger one, another learning rate, "
        "more units, or a shorter length.",
    )
    NOT_FINITE = (
        "not finite",
        "A hundred gradients in a row were infinite or not a number: lower the learning rate, "
        "or compile the model with an optimizer that clips (global_clipnorm=1).",
    )
    MEMORY = (
        "memory",
        "The next length does not fit into memory: give it a smaller batch_size, fewer units, or a larger machine.",
    )
    STOPPED = (
        "stopped",
        "A callback stopped the training: the accuracy is that of the weights that it left in the model.",
    )
    INTERRUPTED = "interrupted", "Interrupted: what was learned so far is kept."

    message: str

    def __new__(cls, value: str, message: str):
        """Return a member with this value and message."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.message = message
        return member


@dataclass(frozen=True)
class HistoryRow:
    """One line of history: totals so far, and the means over the chunk of updates that just ended."""

    updates: int
    examples: int
    tokens: int
    """Time steps of all examples, padding not counted."""
    skipped: int
    """Updates skipped because their gradient was not finite or had exploded."""
    seconds: float
    """Time of training; compiling is not counted."""
    length: int
    """The current length of the curriculum after the chunk."""
    accuracy: float
    """Of the chunk's examples, all fresh, at lengths up to the current one."""
    loss: float

    @classmethod
    def first(cls, length: int) -> "HistoryRow":
        """Return the row before the first update."""
        return cls(0, 0, 0, 0, 0.0, length, 0.0, 0.0)

    def __str__(self) -> str:
        speed = self.examples / self.seconds if self.seconds else 0
        return (  # what matters most stands first, where a narrow terminal shows it
            f"length {self.length:,}, accuracy {100 * self.accuracy:.1f} %, {self.updates:,} updates, "
            f"{self.examples:,} examples, {speed:,.0f}/s, {self.seconds:.1f} s"
        )


@dataclass(frozen=True)
class Result:
    """The result of `train`; the weights are in the model."""

    status: Status
    accuracy: Accuracy | None
    """On fresh examples at the full length, after the last update; None after an interruption, and where that length
    does not fit into memory."""
    history: tuple[HistoryRow, ...] = field(repr=False)
    engine: str
    """Which engine ran the model: `unroll`, or `keras` for a model that is not recognised."""
    notes: tuple[str, ...] = ()
    """Remarks on the lengths that the model takes, and on layers that drop or add something at random."""

    @property
    def solved(self) -> bool:
        """Return whether the full length was solved."""
        return self.status is Status.SOLVED

    @property
    def _cost(self) -> str:
        last = self.history[-1] if self.history else HistoryRow.first(0)
        return f"{last.updates:,} updates, {last.examples:,} examples, {last.seconds:.2f} s of training"

    def __str__(self) -> str:
        accuracy = f"Accuracy: {self.accuracy}\n" if self.accuracy else ""
        notes = "".join(f"{note}\n" for note in self.notes)
        return f"{self.status.message}\n{notes}{accuracy}{self._cost}"

    def _repr_html_(self) -> str:
        accuracy = [("accuracy", self.accuracy)] if self.accuracy else []
        notes = [("note", note) for note in self.notes]
        return html_table([(self.status, self.status.message), *notes, *accuracy, ("cost", self._cost)])
