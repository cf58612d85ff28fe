"""`held-span.json` in a run: the held span of its model when it was last measured."""

import shlex
from pathlib import Path
from typing import Annotated

import msgspec

from memoryspan._version import __version__
from memoryspan.accuracy import AccuracyRecord, accuracy_record
from memoryspan.errors import RunError
from memoryspan.files import versioned
from memoryspan.spans.held import Held
from memoryspan.spans.trial import Span

FILE = "held-span.json"

FORMAT = 2
"""The version of this format. A change that older readers would misread adds one."""


class HeldSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The span, the accuracies behind it by length, and the updates that the model had seen."""

    format: int = FORMAT
    memoryspan: str
    updates: int
    span: Span
    curve: Annotated[tuple[AccuracyRecord, ...], msgspec.Meta(min_length=1)]

    def covers(self, max_length: int) -> bool:
        """Return whether a search up to this length would not have found more."""
        return not self.span.at_least or self.curve[-1].length >= max_length


def as_record(held: Held, updates: int) -> HeldSpan:
    """Return the held span of a model after this number of updates, as it is saved."""
    curve = tuple(map(accuracy_record, held.curve))
    return HeldSpan(memoryspan=__version__, updates=updates, span=held.span, curve=curve)


def save(directory: Path, held: HeldSpan) -> None:
    """Save it in a run's directory, unless the file there covers longer sequences; raises `OSError` if it fails."""
    try:
        before = load(directory, held.updates)
    except RunError:  # what cannot be read is replaced
        before = None
    if before is None or before.curve[-1].length <= held.curve[-1].length:
        versioned.write(directory / FILE, held)


def load(directory: Path, updates: int) -> HeldSpan | None:
    """Return what was saved for the model of a run after this number of updates; None where nothing was.

    Raises:
        RunError: the file cannot be read, is damaged, or has another format.
    """
    instead = f"measure it again with `memoryspan span {shlex.quote(str(directory))}`"
    try:
        held = versioned.read(directory / FILE, HeldSpan, FORMAT, instead=instead)
    except FileNotFoundError:
        return None
    return held if held.updates == updates else None
