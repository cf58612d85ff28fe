"""`held-span.json` in a run: the held span of its model when it was last measured."""

import msgspec

from memoryspan.accuracy import Measured, measured
from memoryspan.files import atomic
from memoryspan.runs import SavedRun
from memoryspan.spans.held import Held
from memoryspan.spans.trial import Span

FILE = "held-span.json"

FORMAT = 1
"""The version of this format. A change that older readers would misread adds one."""


class HeldSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The span, the accuracies behind it by length, and the updates that the model had seen."""

    format: int = FORMAT
    updates: int
    span: Span
    curve: tuple[Measured, ...]


def as_record(held: Held, updates: int) -> HeldSpan:
    """Return the held span of a model after this number of updates, as it is saved."""
    return HeldSpan(updates=updates, span=held.span, curve=tuple(map(measured, held.curve)))


def save(run: SavedRun, held: HeldSpan) -> None:
    """Save it in the run's directory, unless the file there covers longer sequences; raises `OSError` if it fails."""
    before = load(run, held.updates)
    if before is None or before.curve[-1].length <= held.curve[-1].length:
        atomic.write(run.directory / FILE, msgspec.json.encode(held))


def load(run: SavedRun, updates: int) -> HeldSpan | None:
    """Return what was saved for the model of a run after this number of updates; None where nothing was."""
    try:
        held = msgspec.json.decode((run.directory / FILE).read_bytes(), type=HeldSpan)
    except (OSError, msgspec.DecodeError):  # it can be measured again
        return None
    return held if (held.format, held.updates) == (FORMAT, updates) else None
