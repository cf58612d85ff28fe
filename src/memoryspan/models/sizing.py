"""The largest number of units that a number of parameters allows."""

from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from math import isqrt
from typing import Any

from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.tasks import Task
from memoryspan.validate import whole_number

ROUNDED = 1024
"""The largest multiple that units are rounded up to. A model that is no larger with these units than with one does not
use them."""


def units_for(build: Callable[..., keras.Model], task: Task, parameters: int, /, **settings: Any) -> int:
    """Return the largest number of units with which the model that `build` makes has at most this many parameters.

    Parameters grow at most as the square of the units, so the next guess, from a model that fits, is never far above
    what fits either: about ten models are built, and none that is much too large.

    Raises:
        TaskError: one unit takes more parameters than that, more units take no more, or a setting makes no sense.
    """
    whole_number("parameters", parameters, at_least=1, instead="15000, for example")

    @cache
    def count(units: int) -> int:
        return build(task, units=units, **settings).count_params()

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
