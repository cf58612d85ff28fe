"""Statistics of proportions and of medians."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z95 = 1.959964
"""The normal quantile of a two-sided 95 % interval."""


def percent(share: float) -> str:
    """`99.7 %`, with enough digits to tell nearly all from all."""
    return f"{100 * share:.1f} %" if share == 1 or share < 0.9995 else f"{math.floor(1e4 * share) / 100:.2f} %"


def wilson(right: int, examples: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927).

    Unlike the textbook's normal interval it is right at the ends: 0 of 100 does not prove 0 %.
    """
    share, z2 = right / examples, Z95**2
    centre = (share + z2 / (2 * examples)) / (1 + z2 / examples)
    half = Z95 / (1 + z2 / examples) * math.sqrt(share * (1 - share) / examples + z2 / (4 * examples**2))
    low = 0.0 if right == 0 else centre - half
    high = 1.0 if right == examples else centre + half
    return low, high


RESAMPLES = 10_000


CONFIDENCE = 0.95


FEW = 5
"""Up to as many seeds, the interval that the bootstrap gives is all of their range."""


@dataclass(frozen=True)
class Interval:
    """Where the median of other seeds would be."""

    low: float
    high: float
    at_least: bool
    """Whether the high end is a ceiling of the experiment."""
    confidence: float
    """How often such an interval holds the median of all seeds that could be drawn."""


def interval(values: np.ndarray, ceilings: Sequence[int] = ()) -> Interval | None:
    """The percentile bootstrap of the median (Efron, "Bootstrap methods: another look at the jackknife", Annals of
    Statistics 7(1), 1979), with a fixed seed.

    Of up to five values it is from the least to the greatest, which holds the median of all less often: the chance
    that it lies within the range of n independent draws is 1 - 2 / 2**n.
    """
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
