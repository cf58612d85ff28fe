"""Settings that make no sense are refused where they are given, with a sentence.

Every number has a bound: by its name in `MOST`, else what 32 bits hold, as the indices of arrays.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import wraps
from inspect import Parameter, Signature, signature
from numbers import Integral, Real
from typing import Any, TypeVar

from memoryspan.errors import SettingError, TaskError

MOST = {
    "units": 2**20,
    "filters": 2**20,
    "heads": 2**10,
    "head_size": 2**20,
    "layers": 64,
    "kernel_size": 2**10,
    "parameters": 10**12,
    "seeds": 10_000,
    "workers": 10_000,
    "n_pairs": 10_000,
    "seed": 2**32 - 1,
}
"""The greatest value of whole numbers, by their names. Beyond these a model or a sweep does not fit anywhere."""

INDEX = 2**31 - 1
"""The greatest value of the others: of lengths, symbols and examples."""

SHOWN = 60
"""Characters of a wrong value that an error repeats."""


def whole_number(
    name: str, value: Any, *, at_least: int, at_most: int | None = None, given: str = "", instead: str
) -> None:
    """Raise `SettingError` unless `value` is a whole number from `at_least` to `at_most`, or to its bound.

    `given` says what the bounds follow from, `instead` what to use in its place.
    """
    most = MOST.get(name, INDEX) if at_most is None else at_most
    if not _is_whole(value) or not at_least <= int(value) <= most:
        raise SettingError(
            f"{name} must be a whole number from {at_least} to {most}{given}, got {shown(value)}: use {name}={instead}."
        )


def number(
    name: str,
    value: Any,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
    given: str = "",
    instead: str,
) -> None:
    """Raise `SettingError` unless `value` is a finite number within its bounds; `given` is as for whole numbers."""
    inside = _is_real(value) and above < value < below and at_least <= value <= at_most
    if not (inside and abs(value) <= LARGEST):
        words = (("above", above), ("of at least", at_least), ("below", below), ("of at most", at_most))
        bounds = " and ".join(f"{word} {bound:,.4g}" for word, bound in words if math.isfinite(bound))
        expected = f"a number {bounds}" if bounds else "a finite number"
        raise SettingError(f"{name} must be {expected}{given}, got {shown(value)}: use {name}={instead}.")


LARGEST = 1.7e308
"""Whole numbers of Python go on beyond it, and nothing computes with those."""


def function(name: str, value: Any) -> None:
    """Raise `SettingError` unless `value` can be called."""
    if not callable(value):
        raise SettingError(f"{name} must be a function, got {shown(value)}: use {name}=print, for example.")


def flag(name: str, value: Any) -> None:
    """Raise `SettingError` unless `value` is True or False."""
    if not isinstance(value, bool):
        raise SettingError(f"{name} must be True or False, got {shown(value)}: use {name}=False.")


def choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Raise `SettingError` unless `value` is one of several words."""
    if not isinstance(value, str) or value not in choices:
        words = " or ".join(f'"{each}"' for each in choices)
        raise SettingError(f"{name} must be {words}, got {shown(value)}: use {name}={next(iter(choices))}.")


def seed_number(value: Any) -> None:
    """Raise `SettingError` unless `value` is a seed: a whole number of 32 bits."""
    whole_number("seed", value, at_least=0, instead="0, for example")


def position(name: str, value: Any, length: int) -> None:
    """Raise `SettingError` unless `value` is a position in a sequence of `length` steps, counted from 0."""
    last = length - 1
    instead = f"{last} for the last value, or a greater length"
    whole_number(name, value, at_least=0, at_most=last, given=f" for length={length}", instead=instead)


def shown(value: Any) -> str:
    """Return a value as Python writes it, or its beginning where that is long."""
    try:
        text = repr(value)
    except Exception as error:  # a number of thousands of digits, or an object of somebody's
        return f"a {type(value).__name__} that cannot be shown ({type(error).__name__})"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def require_settings(
    parameters: Mapping[str, Parameter], name: str, settings: Iterable[str], write: Callable[[str, str], str]
) -> None:
    """Raise `TaskError` where a function with these parameters has no setting of a name, or needs one more.

    `write(name, settings)` is how a person gives them.
    """
    known = [each.name for each in parameters.values() if each.kind not in _ANY_NUMBER]
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    if unknown := sorted(setting for setting in settings if not takes_any and setting not in known):
        raise TaskError(f"{name} has no setting {' or '.join(unknown)}: it has {', '.join(known) or 'none'}.")
    if lacking := [n for n in known if parameters[n].default is Parameter.empty and n not in settings]:
        example = write(name, ",".join(f"{each}=…" for each in lacking))
        raise TaskError(f"{name} needs {' and '.join(lacking)}: write {example}.")


_ANY_NUMBER = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)

KindT = TypeVar("KindT", bound=Callable[..., Any])


def checked(kind: KindT) -> KindT:
    """Make a function, or a class, raise `TaskError` where it is given a setting that it does not have.

    Its signature stays as it is.
    """
    takes, function = signature(kind), kind.__init__ if isinstance(kind, type) else kind

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        _require_call(takes, kind.__name__, args[1:] if function is not kind else args, kwargs)
        return function(*args, **kwargs)

    if isinstance(kind, type):
        kind.__init__ = call
        return kind  # pyright: ignore[reportReturnType]
    return call  # pyright: ignore[reportReturnType]


def _require_call(takes: Signature, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise `TaskError` where a function with this signature cannot be called like that."""
    try:
        takes.bind(*args, **kwargs)
    except TypeError as error:
        unnamed = [each.name for each in takes.parameters.values() if each.kind is each.POSITIONAL_OR_KEYWORD]
        given = [*unnamed[: len(args)], *kwargs]
        require_settings(takes.parameters, name, given, "{}({})".format)
        raise TaskError(f"{name} cannot be called like that ({error}): give {name}{takes}.") from None


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
