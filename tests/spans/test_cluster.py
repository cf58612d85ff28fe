import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from messages import naming
from tiny_sweep import LSTM, PATIENCE, all_gone, answering, question, quick, what_was_found

from memoryspan.errors import RunError
from memoryspan.named import Named
from memoryspan.spans import cluster, work
from memoryspan.spans.executors import run, workers
from memoryspan.spans.sweep import begin, missing

Client = pytest.importorskip("distributed").Client
psutil = pytest.importorskip("psutil")

HERE = Path(__file__).parent
KILLS = 8
CELLS = 60
MINE = "from memoryspan.models import lstm\n\ndef build(task, seed=0):\n    return lstm(task, units=2, seed=seed)\n"


@contextmanager
def dask(folder: Path, *arguments: str) -> Iterator[subprocess.Popen]:
    """A `dask` command, with all that it has started gone in the end."""
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
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
    with dask(folder, "scheduler", *options) as process:
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
        with dask(folder, *command) as nannies:
            with Client(address) as client:
                client.wait_for_workers(2, timeout=60)
            yield address, nannies.pid


def answered(directory: Path, where: str | None, asked, on_event=lambda *event: None, **changed) -> list[str]:
    """The keys of the cells answered, in the order in which they were."""
    seen = []
    with begin(directory, asked) as sweep:
        cells = missing(sweep)
        with workers(where, None, cells) as some:
            run(sweep, cells, replace(some, **changed), lambda answer: seen.append(answer.cell.key), on_event)
    return seen


def test_a_cluster_finds_what_this_machine_finds_and_is_sent_the_files_it_lacks(tmp_path, two, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    asked = question(2, models=(LSTM, Named("mine.py:build", sha256=hashlib.sha256(MINE.encode()).hexdigest())))
    told = set()
    answered(tmp_path / "here", None, asked)
    answered(tmp_path / "there", two[0], asked, lambda worker, sentence: told.add(sentence))
    assert what_was_found(tmp_path / "here") == what_was_found(tmp_path / "there")
    assert len(what_was_found(tmp_path / "there")) == 4
    assert told


def test_every_cell_is_answered_once_however_many_workers_are_lost(tmp_path, two):
    address, nannies = two
    draw, kills, done = random.Random(0), [], threading.Event()

    def kill() -> None:
        while len(kills) < KILLS and not done.wait(draw.uniform(0.1, 0.6)):
            with suppress(psutil.Error):  # one that is just ending
                found = [one for one in psutil.Process(nannies).children() if "spawn_main" in " ".join(one.cmdline())]
                kills.extend(one.kill() for one in draw.sample(found, min(1, len(found))))

    thread = threading.Thread(target=kill)
    thread.start()
    asked = question(CELLS)
    seen = answered(tmp_path, address, asked, run_group=quick, count=CELLS)
    done.set()
    thread.join()
    assert len(kills) == KILLS
    assert sorted(seen) == sorted(cell.key for cell in asked.cells)
    assert len(what_was_found(tmp_path)) == CELLS


def test_workers_with_other_versions_are_refused_before_any_work(tmp_path, two, monkeypatch):
    monkeypatch.setattr(work, "__version__", "9.9.9")
    with (
        pytest.raises(RunError, match=r"(?s)(?=.*tcp://127\.0\.0\.1:\d+)(?=.*memoryspan \d)(?=.*9\.9\.9)"),
        workers(two[0], None, question().cells),
    ):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://here"])
def test_a_scheduler_that_is_not_there_is_said_to_be(address, monkeypatch):
    monkeypatch.setattr(cluster, "REACH", 0.5)
    with (
        pytest.raises(RunError, match=naming(address, "dask scheduler")),
        workers(address, None, question().cells),
    ):
        pass


def test_a_scheduler_that_goes_away_ends_the_sweep_with_a_sentence(tmp_path):
    import dask.config

    impatient = dask.config.set({"distributed.comm.timeouts.connect": "2s"})
    asked = question()
    with (
        scheduler(tmp_path) as (process, address),
        impatient,
        begin(tmp_path / "sweep", asked) as sweep,
        workers(address, None, asked.cells) as some,
    ):
        threading.Timer(0.5, process.kill).start()
        with pytest.raises(RunError, match=re.escape(cluster.GONE)):
            run(sweep, asked.cells, some)


def test_dask_alone_means_a_cluster_on_this_machine_and_ctrl_c_ends_it(tmp_path):
    process = answering(tmp_path / "sweep", 2, "dask")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("answered")
    pressed = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert time.monotonic() - pressed < 8  # 1.3 on a calm machine
    assert said.strip().endswith("KeyboardInterrupt"), said
    assert all_gone(process.pid)
    assert 1 <= len(what_was_found(tmp_path / "sweep")) < 20
