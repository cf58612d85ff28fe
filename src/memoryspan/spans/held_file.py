"""`held-span.json` in a run: how far its model held when that was last measured."""


import msgspec

from memoryspan.runs import SavedRun, atomic
from memoryspan.runs.record import Measured, measured
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
    curve: tuple[Measured, ...]


def of_run(run: SavedRun, held: Held) -> HeldSpan:
    """What was found for the model of a run as it is now."""
    return HeldSpan(updates=_updates(run), span=held.span, curve=tuple(map(measured, held.curve)))


def save(run: SavedRun, held: HeldSpan) -> None:
    """Keeps it in the run's directory; raises `OSError` where it cannot be written."""
    atomic.write(run.directory / FILE, msgspec.json.encode(held))


def load(run: SavedRun) -> HeldSpan | None:
    """What was kept for the model of a run as it is now: None where there is nothing, or it was trained further."""
    try:
        held = msgspec.json.decode((run.directory / FILE).read_bytes(), type=HeldSpan)
    except (OSError, msgspec.DecodeError):  # it can be measured again
        return None
    return held if (held.format, held.updates) == (FORMAT, _updates(run)) else None


def _updates(run: SavedRun) -> int:
    history = run.history()
    return history[-1].updates if history else 0
