"""Curves of accuracy by length, over the seeds of a sweep: for the pictures and for the page."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from jaxtyping import Float

from memoryspan.accuracy import AccuracyRecord
from memoryspan.spec import Spec
from memoryspan.sweeps.trial import TrialResult

Curve = Sequence[AccuracyRecord]
"""The accuracy of one trained model, by length."""


def curves_of(results: Sequence[TrialResult], name: Callable[[Spec], str]) -> dict[str, dict[str, list[Curve]]]:
    """Return curves by task and by model, in the order of the trials."""
    groups: dict[str, dict[str, list[Curve]]] = {}
    for found in results:
        if found.result is not None and found.result.curve:
            by_model = groups.setdefault(name(found.trial.task), {})
            by_model.setdefault(name(found.trial.model), []).append(found.result.curve)
    return groups


def over_seeds(curves: Sequence[Curve]) -> tuple[Float[np.ndarray, "lengths"], ...]:
    """Return the lengths that all curves reach, and the least, median and greatest accuracy there.

    Between two measured lengths a curve is interpolated linearly in the logarithm of the length.
    """
    points = [points_of(curve) for curve in curves]
    first, last = max(lengths[0] for lengths, _ in points), min(lengths[-1] for lengths, _ in points)
    lengths = np.unique(np.concatenate([lengths for lengths, _ in points]))
    lengths = lengths[(lengths >= first) & (lengths <= last)]
    heights = np.array([np.interp(np.log(lengths), np.log(own), accuracies) for own, accuracies in points])
    return lengths, heights.min(0), np.median(heights, 0), heights.max(0)


def one_chance(curves: Iterable[Curve]) -> float | None:
    """Return the accuracy of a guess, or None where it depends on the length."""
    chances = {point.chance for curve in curves for point in curve}
    return chances.pop() if len(chances) == 1 else None


def points_of(curve: Curve) -> tuple[Float[np.ndarray, "lengths"], Float[np.ndarray, "lengths"]]:
    """Return the lengths and the accuracies of a curve."""
    return np.array([point.length for point in curve], float), np.array([point.value for point in curve])
