"""This machine's memory: what does not fit into it is refused before it is tried."""

import os

from memoryspan.errors import TaskError

TRAINED_PARAMETER = 32
"""Bytes that training takes a parameter: itself, its gradient and Adam's two moments, before and after an update."""


def require_memory(needed: int, what: str) -> None:
    """Raises `TaskError` where `what` needs more bytes than the machine has."""
    present = memory()
    if present is not None and needed > present:
        raise TaskError(
            f"{what} would need {gibibytes(needed)} of memory, and this machine has {gibibytes(present)}: "
            f"ask for less, or go to a larger machine."
        )


def memory() -> int | None:
    """The bytes of memory of this machine; None where the platform does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def gibibytes(count: int) -> str:
    """`1,024 GiB`, or `0.3 GiB`."""
    size = count / 2**30
    return f"{size:,.0f} GiB" if size >= 10 else f"{size:.1f} GiB"
