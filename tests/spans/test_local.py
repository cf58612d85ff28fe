import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from messages import names, naming
from tiny_sweep import PATIENCE, all_gone, answering, question, quick, what_was_found

from memoryspan.errors import RunError
from memoryspan.spans.executors import run, workers
from memoryspan.spans.local import Processes
from memoryspan.spans.sweep import begin, missing, open_sweep


def answered(
    directory: Path, seeds: int, processes: int, on_event=lambda worker, sentence: None, **changed
) -> list[int]:
    """The seeds answered, in the order in which they were."""
    seen = []
    with begin(directory, question(seeds)) as sweep:
        cells = missing(sweep)
        with workers(None, processes, cells) as some:
            some = replace(some, **changed)
            run(sweep, cells, some, lambda answer: seen.append(answer.cell.seed), on_event)
    return seen


def die(*_) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def cores(report) -> list[int]:
    time.sleep(0.1)  # so that the next call goes to another process
    return sorted(os.sched_getaffinity(0))


def complain(report) -> None:
    raise RunError("No.")


def test_lost_workers_change_nothing_but_the_time(tmp_path):
    answered(tmp_path / "calm", 2, 1)
    killed = []

    def kill(worker, sentence):
        if len(killed) < 2 and sentence in ("building", "compiling"):
            killed.append(os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL))

    assert sorted(answered(tmp_path / "stormy", 2, 1, kill)) == [0, 1]
    assert len(killed) == 2
    assert what_was_found(tmp_path / "stormy") == what_was_found(tmp_path / "calm")
    assert (tmp_path / "stormy" / "results.csv").exists()


def test_a_group_that_kills_its_workers_fails_and_says_so(tmp_path):
    assert answered(tmp_path, 1, 1, run_group=die) == [0]
    (answer,) = open_sweep(tmp_path).answers.values()
    assert answer.failure is not None
    assert names(answer.failure.error, 4, "signal 9")


def test_a_lost_worker_takes_no_other_along(tmp_path):
    killed = []

    def kill(worker, sentence):
        if not killed:
            killed.append(os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL))

    assert sorted(answered(tmp_path, 6, 3, kill, run_group=quick, count=6)) == list(range(6))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the platform does not bind processes to cores")
def test_the_cores_are_shared_out():
    mine = sorted(os.sched_getaffinity(0))
    executor = Processes([[core] for core in mine])
    calls = [executor.submit(cores) for _ in mine]
    assert sorted(call.result() for call in calls) == [[core] for core in mine]
    executor.shutdown()


def test_what_a_call_raises_is_raised_here():
    executor = Processes([[0]])
    with pytest.raises(RunError, match=r"^No\.$"):
        executor.submit(complain).result()
    executor.shutdown()


@pytest.mark.parametrize("answers", [0, 1, 4])
def test_a_killed_sweep_leaves_no_process_and_goes_on_with_what_is_missing(tmp_path, answers):
    process = answering(tmp_path / "sweep", 2)
    assert process.stdout is not None
    time.sleep(0.3)
    for _ in range(answers):
        process.stdout.readline()
    process.kill()
    process.communicate()
    assert all_gone(process.pid)
    before = open_sweep(tmp_path / "sweep").answers if (tmp_path / "sweep" / "manifest.json").exists() else {}
    seen = answered(tmp_path / "sweep", 20, 2, run_group=quick, count=20)
    assert len(before) >= answers
    assert len(seen) == 20 - len(before)
    assert list(what_was_found(tmp_path / "sweep")) == sorted(cell.key for cell in question(20).cells)


def test_ctrl_c_ends_all_at_once_and_keeps_what_is_done(tmp_path):
    process = answering(tmp_path / "sweep", 1)
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
    assert 1 <= len(rows) - 1 == len(open_sweep(tmp_path / "sweep").answers) < 20


@pytest.mark.parametrize(
    ("where", "count", "words"),
    [("moon", None, ["'moon'", "--executor dask", "--executor tcp://host:8786"]), (None, 0, [0, "--workers 1"])],
)
def test_workers_that_make_no_sense_are_refused(where, count, words):
    with pytest.raises(RunError, match=naming(*words)):
        workers(where, count, [])
