"""Settings that make no sense are refused where they are given, with a sentence."""

from numbers import Integral

from memoryspan.errors import TaskError


def whole_number(name: str, value, *, at_least: int, below: int | None = None, because: str = "") -> None:
    """Raises `TaskError` unless `value` is a whole number in at_least … below - 1."""
    wanted = (
        f"a whole number of at least {at_least}" if below is None else f"a whole number from {at_least} to {below - 1}"
    )
    fits = isinstance(value, Integral) and not isinstance(value, bool) and value >= at_least
    if not fits or (below is not None and value >= below):
        reason = f": {because}" if because else ""
        raise TaskError(f"{name} must be {wanted}{reason}, and it is {value!r}.")
