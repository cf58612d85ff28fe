"""`run.json`: the config of a run, what it resolved to, where it ran, and how it ended.

Plain data under a version number. Reading one imports neither JAX nor Keras, and nothing that the file names.
"""

import shlex
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from memoryspan.accuracy import AccuracyRecord
from memoryspan.environment import Environment
from memoryspan.errors import RunError
from memoryspan.files import versioned
from memoryspan.spec import Spec

FILE = "run.json"

FORMAT = 2
"""The version of this format. A change that older readers would misread adds one."""

UNFINISHED = "unfinished"
"""The status of a run that is being trained, or was killed."""

Ended = Literal["solved", "budget", "not finite", "memory", "stopped", "interrupted"]
"""The values of `training.Status`."""


class Config(msgspec.Struct, frozen=True):
    """The task, the model and the settings of a training."""

    task: Spec
    model: Spec
    training: dict[str, Any]
    """The fields of `training.TrainConfig`; its `schedule` under the name `curriculum`."""


class Resolved(msgspec.Struct, frozen=True):
    """The model, its engine and its compiled parts, as the config resolved to them."""

    parameters: int
    engine: Literal["unroll", "keras"]
    reason: str
    """Why the model runs on that engine."""
    optimizer: Spec
    loss: str


class Results(msgspec.Struct, frozen=True):
    """The totals of the last row of the history, and the accuracy at the full length."""

    updates: int
    examples: int
    tokens: int
    skipped: int
    seconds: float
    length: int
    """The last length of the curriculum."""
    accuracy: AccuracyRecord | None
    """Not measured after an interruption."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """All of `run.json`."""

    format: int = FORMAT
    memoryspan: str
    created: datetime
    """In UTC."""
    config: Config
    resolved: Resolved
    environment: Environment
    status: Ended | Literal["unfinished"] = UNFINISHED
    results: Results | None = None


def read(directory: Path) -> Record:
    """Return the record of the run in `directory`.

    Raises:
        RunError: there is no such run, it is half made, or its record is damaged or of another format.
    """
    try:
        return versioned.read(directory / FILE, Record, FORMAT, instead="train again with another --run")
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(_missing(directory)) from None


def require(directory: Path) -> None:
    """Raise `RunError` where `directory` is no run, without reading its record."""
    try:
        (directory / FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(_missing(directory)) from None
    except OSError as error:
        raise RunError(f"{directory / FILE} cannot be read: {error.strerror}.") from error


def write(directory: Path, record: Record) -> None:
    """Write the record in one step; raises `OSError` where it cannot be written."""
    versioned.write(directory / FILE, record)


def _missing(directory: Path) -> str:
    if not directory.exists():
        return (
            f"There is no run at {directory}: give the directory of one, or start it with "
            f"`memoryspan train --run {shlex.quote(str(directory))}`."
        )
    if (directory / "manifest.json").exists():
        return (
            f"{directory} is a sweep, and not a run: `memoryspan span` and `memoryspan reproduce` show theirs, with "
            f"--dir {shlex.quote(str(directory))}."
        )
    if not directory.is_dir():
        return f"{directory} is a file, and a run is a directory: give the directory that holds {FILE}."
    return (
        f"{directory} has no {FILE}, so it is not a run: give the directory of one, or start it with "
        f"`memoryspan train` and another --run."
    )
