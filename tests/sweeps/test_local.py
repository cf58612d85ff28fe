import multiprocessing
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from memoryspan.errors import RunError
from memoryspan.spans.kind import SPAN
from memoryspan.spec import Spec
from memoryspan.sweeps.executors import make_workers
from memoryspan.sweeps.group import Message
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.local import Processes
from memoryspan.sweeps.run import run_trials
from memoryspan.sweeps.sweep import open_for_writing, pending, read_sweep
from memoryspan.sweeps.worker import run_group
from memoryspan.training.budget import Budget
from tests.messages import names
from tests.sweeps.tiny_sweep import PATIENCE, TRAINED, all_gone, config, in_process, often, quick, results_in

LONGER = msgspec.structs.replace(config(2), budget=Budget(examples=3000), max_length=64)
"""Two seeds that train together for some dozens of chunks."""


def completed(directory: Path, given, processes: int, on_event=lambda worker, words: None, **changed) -> list[int]:
    """The seeds that were run, in the order in which they were done; what is to be noted is added to NOTICES."""
    seen = []
    with open_for_writing(directory, SPAN, given) as sweep:
        trials = pending(sweep)
        with make_workers(None, processes, len(trials)) as workers:
            workers = replace(workers, **changed)
            on_result = lambda found: seen.append(found.trial.seed)  # noqa: E731
            run_trials(sweep, trials, workers, on_result, on_event, NOTICES.append)
    return seen


NOTICES: list[str] = []


@pytest.fixture(autouse=True)
def no_notices():
    NOTICES.clear()


def rarely(kind: Kind, work: bytes, deliver: Callable[[Message], None]) -> bytes:
    """Save no checkpoint until the group is interrupted."""
    return run_group(kind, work, deliver, every=1000)


@pytest.fixture(scope="module")
def calm(tmp_path_factory) -> Path:
    """The directory of a sweep that was never interrupted; to be read only."""
    directory = tmp_path_factory.mktemp("calm") / "sweep"
    completed(directory, LONGER, 1)
    return directory


def die(*_) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def cores(deliver) -> list[int]:
    time.sleep(0.1)  # so that the next call goes to another process
    return sorted(os.sched_getaffinity(0))


def complain(deliver) -> None:
    raise RunError("No.")


def test_lost_workers_change_nothing_but_the_time(tmp_path, calm):
    signals = {"building": signal.SIGKILL, "examples": signal.SIGTERM}

    def kill(worker, words):
        for word in [word for word in signals if word in words]:
            os.kill(multiprocessing.active_children()[0].pid or 0, signals.pop(word))

    assert sorted(completed(tmp_path / "stormy", LONGER, 1, kill, run_group=rarely)) == [0, 1]
    assert signals == {}
    (resumed,) = NOTICES  # at SIGTERM a worker delivers the state of its group
    assert names(resumed, "Resumed", "lstm", "echo")
    assert results_in(tmp_path / "stormy") == results_in(calm)
    assert (tmp_path / "stormy" / "results.csv").exists()


@pytest.mark.slow
def test_ten_killed_workers_change_nothing_but_the_time(tmp_path):
    models = [Spec("lstm", {"units": units}) for units in (3, 4, 5, 6)]
    given = msgspec.structs.replace(config(2, models=models), budget=Budget(examples=12_000), max_length=64)
    signals = [signal.SIGKILL, signal.SIGTERM] * 5
    seen = Counter()

    def kill(worker, words):
        seen[worker] += "examples" in words
        if seen[worker] == 2 and signals:  # by now there is a checkpoint
            seen[worker] = 0
            alive = multiprocessing.active_children()
            os.kill(alive[len(signals) % len(alive)].pid or 0, signals.pop())

    completed(tmp_path / "calm", given, 2, run_group=often)
    assert sorted(completed(tmp_path / "stormy", given, 2, kill, run_group=often)) == sorted([0, 1] * 4)
    assert signals == []
    assert any(names(sentence, "Resumed") for sentence in NOTICES)
    assert results_in(tmp_path / "stormy") == results_in(tmp_path / "calm")


def test_ctrl_c_saves_where_a_group_is_and_it_resumes_to_the_same_bits(tmp_path, calm):
    def press(worker, words):
        if "examples" in words:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        completed(tmp_path / "sweep", LONGER, 1, press, run_group=rarely)
    assert multiprocessing.active_children() == []
    (saved,) = (tmp_path / "sweep" / "checkpoints").iterdir()
    assert completed(tmp_path / "sweep", None, 2) == [0, 1]  # in the group that it was, whatever the number of workers
    (resumed,) = NOTICES
    assert names(resumed, "Resumed")
    assert results_in(tmp_path / "sweep") == results_in(calm)
    assert not saved.parent.exists()


def test_a_group_that_kills_its_workers_fails_and_says_so(tmp_path):
    assert completed(tmp_path, config(1), 1, run_group=die) == [0]
    (found,) = read_sweep(tmp_path, SPAN).results.values()
    assert found.failure is not None
    assert "4 times" in found.failure.error
    assert "signal 9" in found.failure.error


def test_a_lost_worker_takes_no_other_along(tmp_path):
    killed = []

    def kill(worker, words):
        if not killed:
            killed.append(os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL))

    assert sorted(completed(tmp_path, config(6), 3, kill, run_group=quick, count=6)) == list(range(6))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the platform does not bind processes to cores")
def test_the_cores_are_shared_out():
    mine = sorted(os.sched_getaffinity(0))
    executor = Processes([[core] for core in mine])
    calls = [executor.submit(cores) for _ in mine]
    assert sorted(call.result() for call in calls) == [[core] for core in mine]
    executor.shutdown()


def test_what_a_call_raises_is_raised_here():
    executor = Processes([[0]])
    with pytest.raises(RunError, match="No"):
        executor.submit(complain).result()
    executor.shutdown()


@pytest.mark.parametrize("results", [0, 1, 4])
def test_a_killed_sweep_leaves_no_process_and_resumes_with_what_is_pending(tmp_path, results):
    process = in_process(tmp_path / "sweep", 2)
    assert process.stdout is not None
    time.sleep(0.3)
    for _ in range(results):
        process.stdout.readline()
    process.kill()
    process.communicate()
    assert all_gone(process.pid)
    before = read_sweep(tmp_path / "sweep", SPAN).results if (tmp_path / "sweep" / "manifest.json").exists() else {}
    seen = completed(tmp_path / "sweep", config(20), 2, run_group=quick, count=20)
    assert len(before) >= results
    assert len(seen) == 20 - len(before)
    assert list(results_in(tmp_path / "sweep")) == sorted(trial.key for trial in config(20).trials)


KILLS = 8


@pytest.mark.slow
def test_a_sweep_killed_again_and_again_has_the_results_of_one_that_was_not(tmp_path):
    completed(tmp_path / "calm", TRAINED, 2)
    draw, killed = random.Random(0), 0
    while killed < KILLS:
        directory = tmp_path / f"stormy-{killed}"
        while True:
            process = in_process(directory, 2, "train")
            with suppress(subprocess.TimeoutExpired):
                process.wait(draw.uniform(0, 12) if killed < KILLS else None)  # 9 for all of it on a calm machine
            if process.poll() is None:
                process.send_signal(draw.choice([signal.SIGKILL, signal.SIGTERM]))
                killed += 1
            process.communicate(timeout=PATIENCE)
            # Until the process has its handlers, SIGTERM is the system's own.
            assert process.returncode in (0, -signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM)
            assert all_gone(process.pid)
            if process.returncode == 0:
                break
        assert results_in(directory) == results_in(tmp_path / "calm")


def test_ctrl_c_ends_all_at_once_and_keeps_what_is_done(tmp_path):
    process = in_process(tmp_path / "sweep", 1)
    assert process.stdout is not None
    process.stdout.readline()
    pressed = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert time.monotonic() - pressed < 5  # 0.4 on a calm machine
    assert all_gone(process.pid)
    assert said.count("Traceback") == 1  # of this script, which catches nothing
    assert said.strip().endswith("KeyboardInterrupt")
    rows = (tmp_path / "sweep" / "results.csv").read_text().splitlines()
    assert 1 <= len(rows) - 1 == len(read_sweep(tmp_path / "sweep", SPAN).results) < 20


@pytest.mark.parametrize(("where", "count", "named"), [("moon", None, "moon"), (None, 0, "workers.*0")])
def test_invalid_workers_are_refused(where, count, named):
    with pytest.raises(RunError, match=named):
        make_workers(where, count, 1)
