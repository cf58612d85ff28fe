"""One process at a time in a directory."""

from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from memoryspan.errors import RunError

FILE = ".lock"


def lock(directory: Path, in_use: str) -> BaseFileLock:
    """Take the lock of a directory, which the operating system releases when the process ends, however it ends.

    Raises:
        RunError: it is held in another process or in this one; `in_use` is the message.
        OSError: the directory cannot be written to.
    """
    held = FileLock(directory / FILE, thread_local=False)
    try:
        held.acquire(blocking=False)
    except Timeout:
        raise RunError(in_use) from None
    return held
