"""The largest number of units that a number of parameters allows."""

from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from math import isqrt

from memoryspan.backend import jax
from memoryspan.errors import TaskError
from memoryspan.validate import whole_number

ROUNDED = 1024
"""The largest multiple that units are rounded up to. A model that is no larger with these units than with one does not
use them."""


def units_for(count_params: Callable[[int], int], parameters: int) -> int:
    """Return the largest number of units with which a model has at most this many parameters.

    Parameters grow at most as the square of the units, so the next guess, from a model that fits, is never far above
    what fits either: about ten models are counted, and none that is much too large.

    Args:
        count_params: the number of parameters of the model with that many units.
        parameters: the largest number of them that is allowed.

    Raises:
        TaskError: one unit takes more parameters than that, or more units take no more.
    """
    whole_number("parameters", parameters, at_least=1, instead="15000, for example")
    count = cache(count_params)
    least = count(1)
    if least > parameters:
        raise TaskError(
            f"parameters must be at least {least:,} for this model and task, which is one unit, got {parameters:,}: "
            f"use parameters={least}, or more."
        )
    fits = guess = 1
    while (found := count(guess)) <= parameters:
        if found <= least and guess >= ROUNDED:
            raise TaskError(
                f"parameters decides the units of a model, and this one has {found:,} parameters with {guess:,} units "
                f"as with 1: let its builder use units, or leave parameters out."
            )
        larger = 2 * guess if found == least else guess + 1  # where units are rounded up, the first few change nothing
        fits, guess = guess, max(larger, isqrt(guess * guess * parameters // found))
    return fits + bisect_right(range(fits + 1, guess), parameters, key=count)


def traced(count_params: Callable[[int], int]) -> Callable[[int], int]:
    """Return the same count, taken while JAX traces: the models have shapes alone, and no program is compiled.

    For models of the package. User code may keep what it builds, and would keep traced weights.
    """

    def count(units: int) -> int:
        counts: list[int] = []
        jax.eval_shape(lambda: counts.append(count_params(units)))
        return counts[0]

    return count
