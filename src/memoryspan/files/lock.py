"""One process a run directory."""

import shlex
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from memoryspan.errors import RunError

FILE = ".lock"


def lock(directory: Path) -> BaseFileLock:
    """Takes the directory's lock, which the operating system takes back when the process ends, however it ends.

    Raises:
        RunError: another process, or another run in this one, holds it.
        OSError: the directory cannot be written to.
    """
    held = FileLock(directory / FILE, thread_local=False)
    try:
        held.acquire(blocking=False)
    except Timeout:
        raise RunError(
            f"Another process is training in {directory}: wait until it ends, or stop it, or train elsewhere with "
            f"another --run. (Reading, as `memoryspan info {shlex.quote(str(directory))}` does, needs no waiting.)"
        ) from None
    return held
