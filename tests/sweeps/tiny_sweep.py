"""A sweep small enough for a test: python tiny_sweep.py DIRECTORY WORKERS [dask] answers it in a process to be stopped.

A group of processes that was started by `with_head` is gone once `all_gone` says so.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from memoryspan.environment import Environment
from memoryspan.spans.cell import Found, Span
from memoryspan.spec import Spec
from memoryspan.sweeps.manifest import Question
from memoryspan.sweeps.result import Answer, AnyCell
from memoryspan.sweeps.run import run, workers
from memoryspan.sweeps.sweep import begin, missing
from memoryspan.sweeps.work import Work
from memoryspan.training.budget import Budget

QUICK = 0.1
"""Seconds that a cell takes whose training is left out."""


PATIENCE = 20.0
"""Seconds after which a process that should have ended is taken not to."""

LSTM = Spec("lstm", {"units": 3})


def question(seeds: int = 2, tasks=("echo",), models=(LSTM,)) -> Question:
    named = [task if isinstance(task, Spec) else Spec(task, {"n_features": 3}) for task in tasks]
    budget = Budget(examples=64)
    return Question(
        tasks=tuple(named), models=tuple(models), seeds=tuple(range(seeds)), budget=budget, batch_size=8, max_length=4
    )


def answer(cell: AnyCell, length: int | None = None, **fields) -> Answer:
    """Figures that follow from the cell alone."""
    found = Found(
        learned=Span(length or cell.seed, cell.seed, False),
        held=Span(None, None, False),
        curve=(),
        ended="budget",
        parameters=9,
        engine="unroll",
        updates=8,
        examples=64,
        tokens=200,
        skipped=0,
        seconds=0.5,
    )
    fields = {"found": found, **fields}
    return Answer(memoryspan="1", cell=cell, environment=Environment("cpu", {}, None), **fields)


def quick(work: bytes, report: Callable[[str], None] = lambda sentence: None) -> bytes:
    """In place of `run_group`, where it does not matter what is found."""
    report("at work")
    cells = msgspec.json.decode(work, type=Work).cells
    time.sleep(QUICK * len(cells))
    return msgspec.json.encode([answer(cell) for cell in cells])


def what_was_found(directory: Path) -> dict:
    """The answers on the disk, to the bit; time alone may differ."""
    files = sorted((directory / "cells").iterdir())
    answers = [msgspec.json.decode(file.read_bytes(), type=Answer) for file in files]
    assert [answer.failure for answer in answers] == [None] * len(answers)
    return {each.cell.key: msgspec.structs.replace(each.found, seconds=0) for each in answers if each.found}


def with_head(directory: Path, count: int, *where: str) -> subprocess.Popen:
    """A process of its own group, as a terminal has it, that answers the sweep, and prints a line an answer."""
    command = [sys.executable, __file__, str(directory), str(count), *where]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def all_gone(group: int) -> bool:
    """Whether no process of a group is left, or will be soon."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def main(directory: Path, count: int, where: str | None = None) -> None:
    with begin(directory, question(20)) as sweep:
        cells = missing(sweep)
        with workers(where, count, cells) as some:
            each_alone = replace(some, run_group=quick, count=len(cells))
            run(sweep, cells, each_alone, lambda answer: print("answered", answer.cell.seed, flush=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
