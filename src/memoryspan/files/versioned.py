"""Versioned JSON files: a format number first, so that an older reader knows what it cannot read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from memoryspan.errors import RunError
from memoryspan.files import atomic
from memoryspan.files.json import from_json

T = TypeVar("T")


class _Version(msgspec.Struct):
    """The part that every version of the format has."""

    format: int
    memoryspan: str


def read(path: Path, of: type[T], newest: int, *, instead: str) -> T:
    """Return the content of a versioned file.

        read(directory / "run.json", Record, 2, instead="train again with another --run")

    Raises:
        FileNotFoundError, NotADirectoryError: there is no such file; only the caller knows what to suggest.
        RunError: the file cannot be read, is damaged, or has another format than `newest`.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}): make it readable, or {instead}.") from error
    with damage_as_run_error(path, instead):
        return decode(content, path, of, newest, instead=instead)


@contextmanager
def damage_as_run_error(path: Path, instead: str) -> Iterator[None]:
    """Turn a `msgspec.DecodeError` of the block into a `RunError` that names the file and what to do instead."""
    try:
        yield
    except msgspec.DecodeError as error:
        raise RunError(f"{path} is damaged ({error}): put back a copy of it, or {instead}.") from error


def decode(content: bytes, path: Path, of: type[T], newest: int, *, instead: str) -> T:
    """Return the content of a versioned file, as `read` does; raises `msgspec.DecodeError` where it is damaged."""
    version = from_json(content, _Version)
    if version.format != newest:
        raise RunError(
            f"{path} has format {version.format}, written by memoryspan {version.memoryspan}, and this one reads "
            f"{newest}: {instead}, or install that version."
        )
    return from_json(content, of)


def write(path: Path, content: msgspec.Struct) -> None:
    """Write a versioned file in one step; raises `OSError` where it cannot be written."""
    atomic.write(path, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
