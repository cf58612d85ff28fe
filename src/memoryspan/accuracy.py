"""Accuracy on fresh examples, against chance; as computed and as it is written to a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from memoryspan.stats import percent, wilson
from memoryspan.tables import html_table


@dataclass(frozen=True)
class Accuracy:
    """`n_correct` of `examples` fresh examples of `length` steps are correct; a guess has the accuracy `chance`."""

    n_correct: int
    examples: int
    length: int
    chance: float

    @property
    def value(self) -> float:
        """The fraction of correct examples."""
        return self.n_correct / self.examples

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the true accuracy."""
        return wilson(self.n_correct, self.examples)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{percent(self.value)} ({self.n_correct} of {self.examples} fresh examples, "
            f"95 % interval {percent(low)} to {percent(high)}, chance {percent(self.chance)})"
        )

    def _repr_html_(self) -> str:
        return accuracy_table([self])


def accuracy_table(accuracies: Sequence[Accuracy], caption: str = "") -> str:
    """Return an HTML table of accuracies by length."""
    headings = ("length", "accuracy", "right", "95 % interval", "chance")
    return html_table(map(_row, accuracies), headings, caption)


def _row(accuracy: Accuracy) -> tuple[str, ...]:
    low, high = map(percent, accuracy.interval)
    right = f"{accuracy.n_correct:,} of {accuracy.examples:,}"
    return f"{accuracy.length:,}", percent(accuracy.value), right, f"{low} to {high}", percent(accuracy.chance)


Fraction = Annotated[float, Meta(ge=0, le=1)]
"""A number from 0 to 1; in a file anything else is damage."""


class AccuracyRecord(msgspec.Struct, frozen=True):
    """An accuracy on fresh examples, with its 95 % interval."""

    n_correct: Annotated[int, Meta(ge=0)]
    examples: Annotated[int, Meta(ge=1)]
    length: Annotated[int, Meta(ge=1)]
    chance: Fraction
    value: Fraction
    interval: tuple[Fraction, Fraction]


def accuracy_record(accuracy: Accuracy) -> AccuracyRecord:
    """Return an accuracy with its value and interval, as it is written to a file."""
    return AccuracyRecord(
        n_correct=accuracy.n_correct,
        examples=accuracy.examples,
        length=accuracy.length,
        chance=accuracy.chance,
        value=accuracy.value,
        interval=accuracy.interval,
    )
