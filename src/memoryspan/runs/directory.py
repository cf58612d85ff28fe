"""Where a run is kept: a directory that was asked for, or a fresh one. Nothing is ever overwritten."""

import shlex
import shutil
from contextlib import suppress
from pathlib import Path

from filelock import BaseFileLock

from memoryspan.files import atomic, directory, lock
from memoryspan.runs import checkpoint, history_file, model_file, record

BEFORE_THE_RECORD = {checkpoint.FOLDER, history_file.FILE, model_file.FILE}
"""What a start writes, in this order, before the record makes it a run."""


def create_run_dir(given: Path | None, stem: str) -> Path:
    """Return the directory of a new run, as `new_or_empty` does."""
    return directory.new_or_empty(given, stem, "--run", _advice)


def require_empty(place: Path) -> None:
    """Raise `RunError` where the directory of a new run holds anything, as `new_or_empty` does."""
    directory.require_empty(place, "--run", _advice)


def lock_run(place: Path) -> BaseFileLock:
    """Take the lock of a run's directory; raises `RunError` where it is held, and `OSError` as `lock` does."""
    return lock.lock(
        place,
        f"Another process is training in {place}: wait until it ends, stop it, or train in another directory with "
        f"--run. Reading needs no lock: `memoryspan info {shlex.quote(str(place))}` works now.",
    )


def discard(place: Path) -> None:
    """Remove what a start has written into an empty directory, and the directory where nothing else is in it."""
    with suppress(OSError):
        for name in (*BEFORE_THE_RECORD, record.FILE, lock.FILE):
            path = place / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        atomic.clean(place)
        place.rmdir()


def _advice(place: Path, names: set[str]) -> str | None:
    if record.FILE in names:
        return (
            f"{place} is not empty, and nothing is overwritten: resume the run in it with "
            f"`memoryspan train --resume {shlex.quote(str(place))}`, or"
        )
    if checkpoint.FOLDER in names and names <= BEFORE_THE_RECORD:
        return (
            f"{place} is what is left of a run that was killed before its first update, and nothing was learned there: "
            f"delete it, or"
        )
    return None
