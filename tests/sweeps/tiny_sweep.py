"""Sweeps small enough for a test: a kind of its own, `TINY`, and a span sweep of a tiny model.

    python -m tests.sweeps.tiny_sweep DIRECTORY WORKERS [dask|train]

runs a span sweep in a process to be stopped; with `train`, one that trains. A group of processes that `in_process`
started is gone once `all_gone` returns True.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from memoryspan.environment import Environment
from memoryspan.interrupt import exit_at_signals, exit_code, signals_raise
from memoryspan.spans.kind import SPAN
from memoryspan.spans.trial import Span, SpanResult, SpanSweepConfig, SpanTrial
from memoryspan.spec import Spec
from memoryspan.sweeps.executors import make_workers
from memoryspan.sweeps.group import Group, Message, Progress
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.run import run_trials
from memoryspan.sweeps.sweep import open_for_writing, pending
from memoryspan.sweeps.trial import Trial, TrialResult
from memoryspan.sweeps.worker import Work, run_group
from memoryspan.training.budget import Budget

QUICK = 0.1
"""Seconds that a trial takes whose training is left out."""

PATIENCE = 20.0
"""Seconds after which a process that should have ended is taken not to."""

LSTM = Spec("lstm", {"units": 3})

ROOT = Path(__file__).parents[2]


class TinyTrial(Trial, frozen=True, kw_only=True, tag="tiny"):
    """What is the square of a number?"""

    number: int


class TinyResult(msgspec.Struct, frozen=True):
    """The square."""

    square: int


class TinyConfig(msgspec.Struct, frozen=True):
    """The squares of several numbers."""

    numbers: tuple[int, ...]
    seeds: int = 1

    @property
    def trials(self) -> list[TinyTrial]:
        about = {"task": Spec("none"), "model": Spec("none"), "budget": Budget(), "batch_size": 1}
        return [TinyTrial(number=n, seed=seed, **about) for n in self.numbers for seed in range(self.seeds)]

    @property
    def subject(self) -> str:
        return "squares"


def squares(trials: Sequence[TinyTrial], group: Group) -> list[TinyResult]:
    """Fails at negative numbers unless a file `allowed` is where it runs."""
    group.report("squaring")
    if trials[0].number < 0 and not Path(os.environ.get("ALLOWED", "/nowhere")).exists():
        raise ValueError("a negative number")
    return [TinyResult(trial.number**2) for trial in trials]


def tiny_row(trial: TinyTrial, result: TinyResult | None) -> dict[str, object]:
    return {"number": trial.number, "square": result and result.square}


TINY = Kind("tiny", TinyConfig, TinyTrial, TinyResult, squares, ("number", "square"), tiny_row)


def config(seeds: int = 2, tasks=("echo",), models=(LSTM,)) -> SpanSweepConfig:
    """A span sweep."""
    specs = [task if isinstance(task, Spec) else Spec(task, {"n_features": 3}) for task in tasks]
    budget = Budget(examples=64)
    return SpanSweepConfig(
        tasks=tuple(specs), models=tuple(models), seeds=tuple(range(seeds)), budget=budget, batch_size=8, max_length=4
    )


TRAINED = msgspec.structs.replace(
    config(2, models=(LSTM, Spec("gru", {"units": 3}))), budget=Budget(examples=3000), max_length=64
)
"""Two groups of two seeds that train together for some dozens of chunks."""


def result_of(trial: Trial, length: int | None = None, **fields) -> TrialResult:
    """Figures that follow from the trial alone."""
    result = SpanResult(
        learned=Span(length or trial.seed, trial.seed, False),
        held=Span(None, None, False),
        reached=2,
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
    fields = {"result": result, **fields}
    return TrialResult(memoryspan="1", trial=trial, environment=Environment("cpu", {}, None), **fields)


def quick(kind: Kind, work: bytes, deliver: Callable[[Message], None] = lambda message: None) -> bytes:
    """In place of `run_group`, where the results do not matter."""
    deliver(Progress("working"))
    trials = msgspec.json.decode(msgspec.json.decode(work, type=Work).trials, type=list[SpanTrial])
    time.sleep(QUICK * len(trials))
    return msgspec.json.encode([result_of(trial) for trial in trials])


def results_in(directory: Path) -> dict:
    """The results on the disk, to the bit; time alone may differ."""
    files = sorted((directory / "trials").iterdir())
    results = [msgspec.json.decode(file.read_bytes(), type=SPAN.file) for file in files]
    assert [found.failure for found in results] == [None] * len(results)
    return {found.trial.key: msgspec.structs.replace(found.result, seconds=0) for found in results}


def in_process(directory: Path, count: int, *where: str) -> subprocess.Popen:
    """A process of its own group, as a terminal has it, that runs the sweep, and prints a line a result."""
    command = [sys.executable, "-m", "tests.sweeps.tiny_sweep", str(directory), str(count), *where]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


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


def often(kind: Kind, work: bytes, deliver: Callable[[Message], None] = lambda message: None) -> bytes:
    """`run_group`, with a checkpoint after every chunk of updates if that takes little of the time."""
    return run_group(kind, work, deliver, every=0)


def train(directory: Path, count: int) -> None:
    """Run a sweep of two models that train, as the command does."""
    exit_at_signals()
    with (
        open_for_writing(directory, SPAN, TRAINED) as sweep,
        make_workers(None, count, len(sweep.trials)) as workers,
        signals_raise(),
    ):
        try:
            run_trials(sweep, pending(sweep), replace(workers, run_group=often))
        except KeyboardInterrupt:
            sys.exit(exit_code())


def main(directory: Path, count: int, where: str | None = None) -> None:
    with open_for_writing(directory, SPAN, config(20)) as sweep:
        trials = pending(sweep)
        with make_workers(where, count, len(trials)) as workers:
            each_alone = replace(workers, run_group=quick, count=len(trials))
            run_trials(sweep, trials, each_alone, lambda found: print("done", found.trial.seed, flush=True))


if __name__ == "__main__":
    if sys.argv[3:] == ["train"]:
        train(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
