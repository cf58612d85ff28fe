"""Settings that make no sense are refused where they are given, with a sentence."""

from numbers import Integral
from typing import Any

from memoryspan.errors import TaskError


def whole_number(
    name: str, value: Any, *, at_least: int, at_most: int | None = None, given: str = "", instead: str
) -> None:
    """Raise `TaskError` unless `value` is a whole number from `at_least` to `at_most`.

    `given` says what the bounds follow from, `instead` what to use in its place.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or int(value) < at_least or (at_most is not None and int(value) > at_most):
        bounds = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
        raise TaskError(f"{name} must be a whole number {bounds}{given}, got {value!r}: use {name}={instead}.")


def seed_number(value: Any) -> None:
    """Raise `TaskError` unless `value` is a seed: a whole number of 32 bits."""
    whole_number("seed", value, at_least=0, at_most=2**32 - 1, instead="0, for example")


def position(name: str, value: Any, length: int) -> None:
    """Raise `TaskError` unless `value` is a position in a sequence of `length` steps, counted from 0."""
    last = length - 1
    instead = f"{last} for the last value, or a greater length"
    whole_number(name, value, at_least=0, at_most=last, given=f" for length={length}", instead=instead)
