"""This machine's memory: what does not fit into it is refused before it is tried."""

import contextlib
import os
from pathlib import Path
from typing import Any

from memoryspan.errors import InsufficientMemoryError

TRAINED_PARAMETER = 32
"""Bytes that training takes a parameter: itself, its gradient and Adam's two moments, before and after an update."""

SHARES = "MEMORYSPAN_SHARES"
"""The environment's variable for the number of processes that share the memory."""

CGROUP = Path("/sys/fs/cgroup/memory.max")


def require_memory(needed: int, what: str) -> None:
    """Raise `InsufficientMemoryError` where `what` needs more bytes than the machine has."""
    present = memory()
    if present is not None and needed > present:
        raise InsufficientMemoryError(
            f"{what} would need {gibibytes(needed)} of memory, and there are {gibibytes(present)} for it here: "
            f"ask for less, or go to a larger machine."
        )


def temporary(program: Any) -> int:
    """The bytes that a compiled JAX program takes for what it keeps on the way; 0 where the compiler does not say."""
    analysis = program.memory_analysis()
    return analysis.temp_size_in_bytes if analysis else 0


def memory() -> int | None:
    """The bytes of memory that this process may use; None where the platform does not say.

    All of the machine's or of its container's (cgroup v2), or its share where several processes work side by side.
    """
    try:
        present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    with contextlib.suppress(OSError, ValueError):  # "max" is no number
        present = min(present, int(CGROUP.read_text()))
    return present // int(os.environ.get(SHARES, "1"))


def gibibytes(count: int) -> str:
    """`1,024 GiB`, or `0.3 GiB`."""
    size = count / 2**30
    return f"{size:,.0f} GiB" if size >= 10 else f"{size:.1f} GiB"


def cores() -> list[int]:
    """Return the numbers of the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
