"""A sweep small enough for a test; python tiny_sweep.py DIRECTORY WORKERS answers it in a process to be stopped."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from memoryspan.named import Named
from memoryspan.runs.record import Environment
from memoryspan.spans.cell import Answer, Cell, Found, Span
from memoryspan.spans.executors import run, workers
from memoryspan.spans.manifest import Question
from memoryspan.spans.sweep import begin, missing
from memoryspan.spans.work import Work
from memoryspan.training.budget import Budget

QUICK = 0.1
"""Seconds that a cell takes whose training is left out."""


LSTM = Named("lstm", {"units": 3})


def question(seeds: int = 2, tasks=("echo",), models=(LSTM,)) -> Question:
    named = [task if isinstance(task, Named) else Named(task, {"n_features": 3}) for task in tasks]
    budget = Budget(examples=64)
    return Question(
        tasks=tuple(named), models=tuple(models), seeds=tuple(range(seeds)), budget=budget, batch_size=8, longest=4
    )


def answer(cell: Cell, length: int | None = None, **fields) -> Answer:
    """Figures that follow from the cell alone."""
    found = Found(
        learned=Span(length or cell.seed, cell.seed, False),
        held=Span(None, None, False),
        curve=(),
        ended="budget",
        parameters=9,
        path="unroll",
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


def main(directory: Path, count: int) -> None:
    with begin(directory, question(20)) as sweep:
        cells = missing(sweep)
        with workers(None, count, cells) as some:
            each_alone = replace(some, run_group=quick, count=len(cells))
            run(sweep, cells, each_alone, lambda answer: print("answered", answer.cell.seed, flush=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
