"""Models of one size: as many units as a number of parameters allows."""

from collections.abc import Callable
from math import isqrt
from typing import Any

from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.tasks import Task
from memoryspan.validate import whole_number


def units_for(build: Callable[..., keras.Model], task: Task, parameters: int, **settings: Any) -> int:
    """The most units with which the model that `build` makes has no more than so many parameters.

    Parameters grow with the units at the most as their square, so the next guess, from a model that fits, is never far
    above what fits either: about ten models are built, and none that is much too large.

    Raises:
        TaskError: one unit takes more parameters than that, or a setting makes no sense.
    """
    whole_number("parameters", parameters, at_least=1, instead="15000, for example")

    def count(units: int) -> int:
        return build(task, units=units, **settings).count_params()

    units, taken, too_many = 1, count(1), None
    if taken > parameters:
        raise TaskError(
            f"parameters must be at least {taken:,} for this model and task, which is one unit, got {parameters:,}: "
            f"use parameters={taken}, or more."
        )
    while too_many != units + 1:
        guess = max(units + 1, isqrt(units * units * parameters // taken))
        guess = guess if too_many is None else min(guess, (units + too_many) // 2)
        found = count(guess)
        if found > parameters:
            too_many = guess
        else:
            units, taken = guess, found
    return units
