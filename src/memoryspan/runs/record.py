"""`run.json`: what was asked of a run, what it resolved to, where, and how it ended.

Plain data under a version number. Reading one imports neither JAX nor Keras, and nothing that the file names.
"""

import shlex
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from memoryspan.accuracy import AccuracyRecord
from memoryspan.environment import Environment
from memoryspan.errors import RunError
from memoryspan.files import atomic
from memoryspan.files.versioned import _Version
from memoryspan.spec import Spec

if TYPE_CHECKING:
    pass

FILE = "run.json"

FORMAT = 1
"""The version of this format. A change that older readers would misread adds one."""

UNFINISHED = "unfinished"
"""The status of a run that is being trained, or was killed."""

Ended = Literal["solved", "budget", "not finite", "memory", "stopped", "interrupted"]
"""The values of `training.Status`."""


class Asked(msgspec.Struct, frozen=True):
    """What was asked for."""

    task: Spec
    model: Spec
    training: dict[str, Any]
    """The fields of `training.TrainConfig`."""


class Resolved(msgspec.Struct, frozen=True):
    """What that came to."""

    parameters: int
    engine: Literal["unroll", "keras"]
    reason: str
    """Why that path serves the model."""
    optimizer: Spec
    loss: str


class Results(msgspec.Struct, frozen=True):
    """What came of it: the totals of the last row of the history, and the accuracy at the full length."""

    updates: int
    examples: int
    tokens: int
    skipped: int
    seconds: float
    length: int
    """Where the curriculum ended."""
    accuracy: AccuracyRecord | None
    """Not measured after an interruption."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """All of `run.json`."""

    format: int = FORMAT
    memoryspan: str
    created: datetime
    """In UTC."""
    asked: Asked
    resolved: Resolved
    environment: Environment
    status: Ended | Literal["unfinished"] = UNFINISHED
    results: Results | None = None


def read(directory: Path) -> Record:
    """The record of the run in `directory`.

    Raises:
        RunError: there is no such run, it is half made, or its record is damaged or of a newer format.
    """
    try:
        content = (directory / FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(_missing(directory)) from None
    except OSError as error:
        raise RunError(
            f"{directory / FILE} cannot be read: {error.strerror}. Ask its owner for leave to read it."
        ) from error
    return _decode(content, directory)


def write(directory: Path, record: Record) -> None:
    """Puts the record in place; raises `OSError` where it cannot be written."""
    atomic.write(directory / FILE, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")


def _decode(content: bytes, directory: Path) -> Record:
    try:
        version = msgspec.json.decode(content, type=_Version)
        if version.format > FORMAT:
            raise RunError(
                f"{directory / FILE} has format {version.format}, written by memoryspan {version.memoryspan}, and this "
                f"one reads up to {FORMAT}: install that version, or a newer one."
            )
        return msgspec.json.decode(content, type=Record)
    except msgspec.DecodeError as error:
        raise RunError(
            f"{directory / FILE} is damaged ({error}): put back a copy of it, or train again with another --run."
        ) from error


def _missing(directory: Path) -> str:
    if not directory.exists():
        return (
            f"There is no run at {directory}: give the directory of one, or begin it with "
            f"`memoryspan train --run {shlex.quote(str(directory))}`."
        )
    if (directory / "manifest.json").exists():
        return (
            f"{directory} is a sweep, and not a run: `memoryspan span` and `memoryspan reproduce` show theirs, with "
            f"--run {shlex.quote(str(directory))}."
        )
    if not directory.is_dir():
        return f"{directory} is a file, and a run is a directory: give the directory that holds {FILE}."
    return (
        f"{directory} is not a run, for it has no {FILE}: give the directory of one, or begin it with "
        f"`memoryspan train` and another --run."
    )
