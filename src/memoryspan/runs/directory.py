"""Where a run is kept: a directory that was asked for, or a fresh one. Nothing is ever overwritten."""

import re
from itertools import count
from pathlib import Path

from memoryspan.errors import RunError
from memoryspan.runs import atomic, lock

RUNS = Path("runs")
"""The directory of runs for which no other was asked, in the working directory."""


def claim(asked: Path | None, stem: str) -> Path:
    """The directory that was asked for, made if it was missing, or else a fresh one under `RUNS`.

    Raises:
        RunError: it cannot be made, or there is something in it.
    """
    try:
        if asked is None:
            return fresh(RUNS, stem)
        asked.mkdir(parents=True, exist_ok=True)
        require_empty(asked)
    except FileExistsError:
        raise RunError(f"{asked} is a file, and a run is a directory: give another --run.") from None
    except OSError as error:
        raise RunError(
            f"The directory {asked or RUNS} cannot be made or read: {error.strerror}. Give another one with --run, "
            f"one in which you may write."
        ) from error
    return asked


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


def require_empty(directory: Path) -> None:
    """Raises `RunError` where the directory holds anything but a lock and what a killed process left half written."""
    for path in directory.iterdir():
        if path.name != lock.FILE and not path.name.startswith(atomic.TEMPORARY):
            raise RunError(
                f"{directory} is not empty, and nothing is overwritten: go on with the run in it by "
                f"--resume {directory}, or give another --run."
            )
