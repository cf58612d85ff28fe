"""`held-span.json` in a run: how far its model held when that was last measured."""

import msgspec

from memoryspan.accuracy import AccuracyRecord, accuracy_record
from memoryspan.files import atomic
from memoryspan.runs import SavedRun
from memoryspan.spans.cell import Span
from memoryspan.spans.held import Held

FILE = "held-span.json"

FORMAT = 1
"""The version of this format. A change that older readers would misread adds one."""


class HeldSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The span, the accuracies behind it by length, and the updates that the model had seen."""

    format: int = FORMAT
    updates: int
    span: Span
    curve: tuple[AccuracyRecord, ...]


def as_kept(held: Held, updates: int) -> HeldSpan:
    """What was found for a model that had seen so many updates."""
    return HeldSpan(updates=updates, span=held.span, curve=tuple(map(accuracy_record, held.curve)))


def save(run: SavedRun, held: HeldSpan) -> None:
    """Keeps it in the run's directory, unless what is there looked further; raises `OSError` where it cannot be."""
    kept = load(run, held.updates)
    if kept is None or kept.curve[-1].length <= held.curve[-1].length:
        atomic.write(run.directory / FILE, msgspec.json.encode(held))


def load(run: SavedRun, updates: int) -> HeldSpan | None:
    """What was kept for the model of a run after so many updates; None where there is nothing."""
    try:
        held = msgspec.json.decode((run.directory / FILE).read_bytes(), type=HeldSpan)
    except (OSError, msgspec.DecodeError):  # it can be measured again
        return None
    return held if (held.format, held.updates) == (FORMAT, updates) else None
