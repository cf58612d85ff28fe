"""Where a run is kept: a directory that was asked for, or a fresh one. Nothing is ever overwritten."""

import re
import shlex
from itertools import count
from pathlib import Path

from filelock import BaseFileLock

from memoryspan.errors import RunError
from memoryspan.files import atomic, lock
from memoryspan.runs import checkpoint, history_file, model_file, record

RUNS = Path("runs")
"""The directory of runs for which no other was asked, in the working directory."""

BEFORE_THE_RECORD = {checkpoint.FOLDER, history_file.FILE, model_file.FILE}
"""What a start writes, in this order, before the record makes it a run."""


def create_run_dir(asked: Path | None, stem: str, option: str = "--run") -> Path:
    """Return the directory that was given by `option`, made if it was missing; None makes a new one under `RUNS`.

    Raises:
        RunError: it cannot be made, or there is something in it.
    """
    try:
        if asked is None:
            return fresh(RUNS, stem)
        asked.mkdir(parents=True, exist_ok=True)
        require_empty(asked, option)
    except FileExistsError:
        raise RunError(f"{asked} is a file, and not a directory: give another {option}.") from None
    except OSError as error:
        raise RunError(
            f"The directory {asked or RUNS} cannot be made or read: {error.strerror}. Give another one with {option}, "
            f"in which you may write."
        ) from error
    return asked


def lock_run(directory: Path) -> BaseFileLock:
    """Take the lock of a run's directory; raises `RunError` where it is held, and `OSError` as `lock` does."""
    return lock.lock(
        directory,
        f"Another process is training in {directory}: wait until it ends, stop it, or train in another directory with "
        f"--run. Reading needs no lock: `memoryspan info {shlex.quote(str(directory))}` works now.",
    )


def fresh(root: Path, stem: str) -> Path:
    """Makes `root/stem-001`, or the next free number: `mkdir` decides between two processes that want the same."""
    root.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")
    pattern = re.compile(rf"{re.escape(stem)}-(\d+)")
    taken = [int(match[1]) for path in root.iterdir() if (match := pattern.fullmatch(path.name))]
    for number in count(max(taken, default=0) + 1):
        path = root / f"{stem}-{number:03d}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise AssertionError("numbers do not end")


def require_empty(directory: Path, option: str = "--run") -> None:
    """Raise `RunError` where the directory holds anything but a lock and what a killed process left half written."""
    names = {path.name for path in directory.iterdir() if not path.name.startswith(atomic.TEMPORARY)} - {lock.FILE}
    if names:
        raise RunError(_in_the_way(directory, names, option))


def _in_the_way(directory: Path, names: set[str], option: str) -> str:
    if record.FILE in names:
        return (
            f"{directory} is not empty, and nothing is overwritten: resume the run in it with "
            f"`memoryspan train --resume {shlex.quote(str(directory))}`, or give another {option}."
        )
    if checkpoint.FOLDER in names and names <= BEFORE_THE_RECORD:
        return (
            f"{directory} is what is left of a run that was killed before its first update, and nothing was learned "
            f"there: delete it, or give another {option}."
        )
    return f"{directory} is not empty, and holds no run; nothing is overwritten: give another {option}."
