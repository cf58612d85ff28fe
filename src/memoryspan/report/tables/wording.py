"""Words that the tables of all kinds of sweeps share."""

from collections.abc import Iterable

from memoryspan.stats import CONFIDENCE, Interval


def about_intervals(intervals: Iterable[Interval | None]) -> str | None:
    """Return a sentence on the intervals of a table; None if it has none."""
    found = {each.confidence for each in intervals if each}
    if not found:
        return None
    shares = " or ".join(f"{100 * share:.0f} %" for share in sorted(found))
    kind = "the range over seeds, which" if max(found) < CONFIDENCE else "an interval that"
    return f"In brackets: {kind} contains the median of all seeds in {shares} of such sweeps."
