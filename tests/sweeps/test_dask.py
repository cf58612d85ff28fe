import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memoryspan.errors import RunError
from memoryspan.spans.kind import SPAN
from memoryspan.spec import Spec
from memoryspan.sweeps.executors import make_workers
from memoryspan.sweeps.run import run_trials
from memoryspan.sweeps.sweep import open_for_writing, pending
from memoryspan.training.budget import Budget
from tests.messages import names
from tests.sweeps.tiny_sweep import LSTM, PATIENCE, ROOT, all_gone, config, in_process, quick, results_in

Client = pytest.importorskip("distributed").Client
psutil = pytest.importorskip("psutil")

KILLS = 8
TRIALS = 60
LONGER = msgspec.structs.replace(config(1), budget=Budget(examples=3000), max_length=64)
"""One seed that trains for some dozens of chunks."""

MINE = "from memoryspan.models import lstm\n\ndef build(task, seed=0):\n    return lstm(task, units=2, seed=seed)\n"


@contextmanager
def dask_command(folder: Path, *arguments: str) -> Iterator[subprocess.Popen]:
    """A `dask` command, with all that it has started gone in the end."""
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with (folder / f"{arguments[0]}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def scheduler(folder: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """One on this machine, and its address."""
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
    with dask_command(folder, "scheduler", *options) as process:
        while not file.exists():
            time.sleep(0.05)
        time.sleep(0.2)
        yield process, file.read_text().split('"address": "')[1].split('"')[0]


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Iterator[tuple[str, int]]:
    """The address of a scheduler with two workers elsewhere, and the process of their nannies."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with scheduler(folder) as (_, address):
        command = ["worker", address, "--nworkers", "2", "--nthreads", "1"]
        with dask_command(folder, *command) as nannies:
            with Client(address) as client:
                client.wait_for_workers(2, timeout=60)
            yield address, nannies.pid


def completed(directory: Path, where: str | None, given, on_event=lambda *event: None, **changed) -> list[str]:
    """The keys of the trials that were run, in the order in which they were done."""
    seen = []
    with open_for_writing(directory, SPAN, given) as sweep:
        trials = pending(sweep)
        with make_workers(where, None, len(trials)) as workers:
            run_trials(sweep, trials, replace(workers, **changed), lambda found: seen.append(found.trial.key), on_event)
    return seen


def test_a_cluster_finds_what_this_machine_finds_and_is_sent_the_files_it_lacks(tmp_path, two, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    given = config(2, models=(LSTM, Spec("mine.py:build", sha256=hashlib.sha256(MINE.encode()).hexdigest())))
    told = set()
    completed(tmp_path / "here", None, given)
    completed(tmp_path / "there", two[0], given, lambda worker, words: told.add(words))
    assert results_in(tmp_path / "here") == results_in(tmp_path / "there")
    assert len(results_in(tmp_path / "there")) == 4
    assert any(words.endswith("building and compiling") for words in told)
    assert "" in told


def processes_of(nannies: int) -> list:
    """The worker processes of two nannies."""
    return [one for one in psutil.Process(nannies).children() if "spawn_main" in " ".join(one.cmdline())]


def test_a_group_whose_worker_is_lost_continues_elsewhere_to_the_same_bits(tmp_path, two):
    address, nannies = two
    completed(tmp_path / "here", None, LONGER)
    lost, notices = [], []

    def lose(worker, words):
        if not lost and (tmp_path / "there" / "checkpoints").exists():
            lost.extend(one.kill() for one in processes_of(nannies))

    with open_for_writing(tmp_path / "there", SPAN, LONGER) as sweep, make_workers(address, None, 1) as workers:
        often: Any = partial(workers.run_group, every=0.1)  # pyright: ignore[reportCallIssue]
        run_trials(sweep, LONGER.trials, replace(workers, run_group=often), on_event=lose, on_notice=notices.append)
    assert len(lost) == 2
    assert names(notices[0], "Resumed", "lstm", "echo")
    assert results_in(tmp_path / "there") == results_in(tmp_path / "here")
    assert not (tmp_path / "there" / "checkpoints").exists()


def test_every_trial_is_run_once_however_many_workers_are_lost(tmp_path, two):
    address, nannies = two
    draw, kills, done = random.Random(0), [], threading.Event()

    def kill() -> None:
        while len(kills) < KILLS and not done.wait(draw.uniform(0.1, 0.6)):
            with suppress(psutil.Error):  # one that is just ending
                found = processes_of(nannies)
                kills.extend(one.kill() for one in draw.sample(found, min(1, len(found))))

    thread = threading.Thread(target=kill)
    thread.start()
    given = config(TRIALS)
    seen = completed(tmp_path, address, given, run_group=quick, count=TRIALS)
    done.set()
    thread.join()
    assert len(kills) == KILLS
    assert sorted(seen) == sorted(trial.key for trial in given.trials)
    assert len(results_in(tmp_path)) == TRIALS


def test_workers_with_other_versions_are_refused_before_any_work(tmp_path, two, monkeypatch):
    monkeypatch.setattr("memoryspan.sweeps.versions.__version__", "9.9.9")
    with (
        pytest.raises(RunError, match=r"tcp://127.0.0.1:\d+ .*memoryspan .* \(here 9.9.9\)"),
        make_workers(two[0], None, 2),
    ):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://here"])
def test_a_scheduler_that_is_not_there_is_said_to_be(address, monkeypatch):
    monkeypatch.setattr("memoryspan.sweeps.dask.REACH", 0.5)
    with (
        pytest.raises(RunError, match=address),
        make_workers(address, None, 2),
    ):
        pass


def test_a_scheduler_that_goes_away_ends_the_sweep_with_a_sentence(tmp_path):
    import dask.config

    impatient = dask.config.set({"distributed.comm.timeouts.connect": "2s"})
    given = config()
    with (
        scheduler(tmp_path) as (process, address),
        impatient,
        open_for_writing(tmp_path / "sweep", SPAN, given) as sweep,
        make_workers(address, None, 2) as workers,
    ):
        threading.Timer(0.5, process.kill).start()
        with pytest.raises(RunError, match="scheduler"):
            run_trials(sweep, given.trials, workers)


@contextmanager
def cluster_of_one(folder: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """A scheduler with one worker, and its address."""
    folder.mkdir()
    with (
        scheduler(folder) as (process, address),
        dask_command(folder, "worker", address, "--nthreads", "1"),
    ):
        with Client(address) as client:
            client.wait_for_workers(1, timeout=120)
        yield process, address


@pytest.mark.slow
def test_a_sweep_whose_scheduler_was_killed_resumes_on_another_to_the_same_bits(tmp_path):
    import dask.config

    completed(tmp_path / "calm", None, LONGER)
    notices = []

    def run(address: str, on_event=lambda *event: None) -> None:
        with open_for_writing(tmp_path / "sweep", SPAN, LONGER) as sweep, make_workers(address, None, 1) as workers:
            often: Any = partial(workers.run_group, every=0.1)  # pyright: ignore[reportCallIssue]
            run_trials(
                sweep, pending(sweep), replace(workers, run_group=often), on_event=on_event, on_notice=notices.append
            )

    impatient = dask.config.set({"distributed.comm.timeouts.connect": "2s"})
    with cluster_of_one(tmp_path / "first") as (process, address), impatient:

        def kill(worker, words):
            if (tmp_path / "sweep" / "checkpoints").exists():
                process.kill()

        with pytest.raises(RunError, match="scheduler"):
            run(address, kill)
    assert notices == []
    with cluster_of_one(tmp_path / "second") as (_, address):
        run(address)
    assert names(notices[0], "Resumed", "lstm", "echo")
    assert results_in(tmp_path / "sweep") == results_in(tmp_path / "calm")


def test_dask_alone_means_a_cluster_on_this_machine_and_ctrl_c_ends_it(tmp_path):
    process = in_process(tmp_path / "sweep", 2, "dask")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("done")
    pressed = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert time.monotonic() - pressed < 8  # 1.3 on a calm machine
    assert said.strip().endswith("KeyboardInterrupt"), said
    assert all_gone(process.pid)
    assert 1 <= len(results_in(tmp_path / "sweep")) < 20
