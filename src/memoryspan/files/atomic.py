"""Files that are never half written.

A file gets a temporary name in its own directory, is synced, and takes its place by a rename, which POSIX makes atomic;
then the directory is synced, so that the rename outlives a power cut. A process killed on the way leaves a temporary
file behind, which means nothing and is removed when the directory is next opened for writing.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from memoryspan.errors import RunError

TEMPORARY = ".writing-"
"""The prefix of the names of temporary files."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary name, which takes the place of `path` once the block has written it.

    Raises:
        OSError: it could not be written; what stood at `path` is untouched.
    """
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(4)}-{path.name}")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as error:
        if error.filename is not None:  # a name that nobody has seen
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Replace the file `path` as a whole; raises `OSError` as `atomic_path` does."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def sync(path: Path) -> None:
    """Wait until a file, or the list of names in a directory, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no directories, and syncs renames itself
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clean(directory: Path) -> None:
    """Remove what killed processes have left half written; only for the holder of the lock."""
    for temporary in directory.glob(f"{TEMPORARY}{'[0-9a-f]' * 8}-*"):
        temporary.unlink(missing_ok=True)


@contextmanager
def as_run_error(directory: Path, instead: str) -> Iterator[None]:
    """Turn an `OSError` of the block into a `RunError` that says what to do instead."""
    try:
        yield
    except OSError as error:
        if not directory.exists():
            raise RunError(
                f"{directory} is no longer there: it was moved or removed while it was in use. Put it back, or "
                f"start again in another one."
            ) from error
        raise RunError(f"Could not write to {directory}: {error.strerror or error}. {instead}") from error
