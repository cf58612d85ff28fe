"""A process for the tests to kill: python -m tests.runs.training_process start|resume|watched DIRECTORY [COPIES]."""

import shutil
import sys
from pathlib import Path

from memoryspan.interrupt import exit_at_signals, signals_raise
from memoryspan.runs import Run
from tests.runs.small import SETTINGS, TASK, slow_model

FILE_EVENTS = {"open", "os.rename", "os.remove", "os.mkdir"}
EVERY = 0.02
"""Seconds between checkpoints: a test has no two seconds to wait."""


def copy_before_every_step(directory: Path, copies: Path) -> None:
    """Copies the directory before each thing that is done to a file in it: what a process killed there leaves."""
    busy = False

    def hook(event, arguments):
        nonlocal busy
        if busy or event not in FILE_EVENTS or not str(arguments[0]).startswith(str(directory)):
            return
        busy = True
        if (directory / "run.json").exists():
            shutil.copytree(directory, copies / f"{len(list(copies.iterdir())):04d}")
        busy = False

    sys.addaudithook(hook)


def main(how: str, directory: Path, copies: Path | None = None) -> None:
    if copies is not None:
        copy_before_every_step(directory, copies)
    exit_at_signals()  # as the command does
    run = Run.resume(directory) if how == "resume" else Run.create(slow_model(), TASK, SETTINGS, directory=directory)
    print("training", flush=True)
    with signals_raise():
        run.train(every=EVERY)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
