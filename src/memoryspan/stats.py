"""Statistics of proportions and of medians."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Z95 = 1.959964
"""The normal quantile of a two-sided 95 % interval."""


def percent(share: float) -> str:
    """Return `99.7 %`, with enough digits to tell nearly all from all."""
    return f"{100 * share:.1f} %" if share == 1 or share < 0.9995 else f"{math.floor(1e4 * share) / 100:.2f} %"


def wilson(n_correct: int, examples: int) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927).

    Unlike the normal interval of textbooks it is right at the ends: 0 of 100 does not prove 0 %.
    """
    share, z2 = n_correct / examples, Z95**2
    centre = (share + z2 / (2 * examples)) / (1 + z2 / examples)
    half = Z95 / (1 + z2 / examples) * math.sqrt(share * (1 - share) / examples + z2 / (4 * examples**2))
    low = 0.0 if n_correct == 0 else centre - half
    high = 1.0 if n_correct == examples else centre + half
    return low, high


RESAMPLES = 10_000


CONFIDENCE = 0.95


FEW = 5
"""With at most this many values, the interval is their range."""


@dataclass(frozen=True)
class Interval:
    """An interval for the median of all seeds that could be drawn."""

    low: float
    high: float
    at_least: bool
    """Whether the experiment ended before the value at the high end did."""
    confidence: float
    """How often such an interval contains that median."""


def interval(values: "np.ndarray", ceilings: Sequence[int] = ()) -> Interval | None:
    """Return the percentile bootstrap interval of a median, with a fixed seed.

    (Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1), 1979.)

    For up to five values it is their range, which contains the median of all less often: with n independent draws, the
    chance is 1 - 2 / 2**n. A single value has no interval.
    """
    import numpy as np  # here, so that plain data are read without it

    count = len(values)
    if count == 1:
        return None
    if count <= FEW:
        low, high = values.min(), values.max()
        return Interval(float(low), float(high), max(ceilings, default=-1) >= high, 1 - 2 / 2**count)
    draws = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    medians = np.median(values[draws], axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians, [tail, 1 - tail], method="inverted_cdf")  # values that can occur
    return Interval(float(low), float(high), max(ceilings, default=-1) >= high, CONFIDENCE)
