"""A directory to write to: the one that was given, new or empty, or a fresh one. Nothing is ever overwritten."""

import re
from collections.abc import Callable
from itertools import count
from pathlib import Path

from memoryspan.errors import RunError
from memoryspan.files import atomic, lock

RUNS = Path("runs")
"""The directory, in the working directory, of those for which no other was given."""

Advice = Callable[[Path, set[str]], str | None]
"""What to do about the files of these names in a directory, as a sentence; None where there is nothing to add."""


def new_or_empty(given: Path | None, stem: str, option: str, advice: Advice = lambda directory, names: None) -> Path:
    """Return the directory that was given by `option`, made if it was missing; None makes a fresh one under `RUNS`.

    Raises:
        RunError: it cannot be made, or there is something in it.
    """
    try:
        if given is None:
            return fresh(RUNS, stem)
        given.mkdir(parents=True, exist_ok=True)
        require_empty(given, option, advice)
    except FileExistsError:
        raise RunError(f"{given} is a file, and not a directory: give another {option}.") from None
    except OSError as error:
        raise RunError(
            f"The directory {given or RUNS} cannot be made or read: {error.strerror}. Give another one with {option}, "
            f"in which you may write."
        ) from error
    return given


def fresh(root: Path, stem: str) -> Path:
    """Make `root/stem-001`, or the next free number: `mkdir` decides between two processes that want the same."""
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


def require_empty(directory: Path, option: str, advice: Advice = lambda directory, names: None) -> None:
    """Raise `RunError` where the directory holds anything but a lock and what a killed process left half written."""
    names = {path.name for path in directory.iterdir() if not path.name.startswith(atomic.TEMPORARY)} - {lock.FILE}
    if names:
        what = advice(directory, names) or f"{directory} is not empty, and nothing is overwritten:"
        raise RunError(f"{what} give another {option}.")
