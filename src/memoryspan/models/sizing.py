"""Models of one size: as many units as a number of parameters allows."""

from collections.abc import Callable
from math import isqrt
from typing import Any

from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.tasks import Task
from memoryspan.validate import whole_number

ROUNDED = 1024
"""Nobody rounds units up to more than this: a model that is still as large as with one unit does not heed them."""


def units_for(build: Callable[..., keras.Model], task: Task, parameters: int, /, **settings: Any) -> int:
    """The most units with which the model that `build` makes has no more than so many parameters.

    Parameters grow with the units at the most as their square, so the next guess, from a model that fits, is never far
    above what fits either: about ten models are built, and none that is much too large.

    Raises:
        TaskError: one unit takes more parameters than that, more units take no more, or a setting makes no sense.
    """
    whole_number("parameters", parameters, at_least=1, instead="15000, for example")

    def count(units: int) -> int:
        return build(task, units=units, **settings).count_params()

    units, taken, too_many = 1, count(1), None
    of_one = taken
    if taken > parameters:
        raise TaskError(
            f"parameters must be at least {taken:,} for this model and task, which is one unit, got {parameters:,}: "
            f"use parameters={taken}, or more."
        )
    while too_many != units + 1:
        guess = max(units + 1, isqrt(units * units * parameters // taken))
        if taken == of_one:  # where units are rounded up, the first few make the same model
            guess = max(guess, 2 * units)
        guess = guess if too_many is None else min(guess, (units + too_many) // 2)
        found = count(guess)
        if found <= of_one and guess >= ROUNDED:
            raise TaskError(
                f"parameters decides the units of a model, and this one has {found:,} parameters with {guess:,} units "
                f"as with 1: let its builder use units, or leave parameters out."
            )
        if found > parameters:
            too_many = guess
        else:
            units, taken = guess, found
    return units
