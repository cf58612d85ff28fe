"""Commands in surroundings that are unusual: a long history, other numbers, a cache or a home that is not there."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from memoryspan.runs import Run, history_file
from tests.disks import make_read_only, small_disk

TRAIN = ("train", "--length", "4", "--features", "5", "--units", "8", "--budget", "5k", "--run")


def started(*arguments: str | Path, **environment: str | Path | None) -> subprocess.Popen:
    """A command in this environment, without the variables that are None."""
    inherited = {name: value for name, value in os.environ.items() if name not in environment}
    given = {name: str(value) for name, value in environment.items() if value is not None}
    command = [sys.executable, "-m", "memoryspan", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=inherited | given, stdout=pipe, stderr=pipe, text=True)


def trained(process: subprocess.Popen) -> None:
    """Wait for a command, which ends as documented, without a traceback."""
    _, err = process.communicate(timeout=600)
    assert process.returncode in (0, 1), err
    assert "Traceback" not in err


def weights(run: Path) -> list[np.ndarray]:
    (newest,) = sorted((run / "checkpoints").glob("*.safetensors"))[-1:]
    return [array for name, array in sorted(load_file(newest).items()) if name.startswith("variables")]


def same(one: Path, other: Path) -> bool:
    return all(np.array_equal(*pair) for pair in zip(weights(one), weights(other), strict=True))


@pytest.mark.slow
def test_a_run_of_a_million_rows_is_reported_and_drawn(memoryspan, solved, tmp_path):
    run = Path(shutil.copytree(solved, tmp_path / "run"))
    last = Run.load(run).history()[-1]
    rows = [replace(last, updates=number, examples=32 * number) for number in range(1, 1_000_000)]
    history_file.rewrite(run, [*rows, replace(last, updates=1_000_000, examples=32_000_000)])
    assert memoryspan("report", run).code == 0
    assert (run / "report.html").stat().st_size < 2**20
    assert memoryspan("info", run).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["JAX_ENABLE_X64", "JAX_DEBUG_NANS"])
def test_with_flags_of_jax_that_change_its_numbers_it_trains_and_predicts(tmp_path, flag):
    trained(started(*TRAIN, tmp_path / "run", **{flag: "1"}))
    trained(started("predict", tmp_path / "run", **{flag: "1"}))


@pytest.fixture(scope="module")
def cached(tmp_path_factory) -> Path:
    """The directory of a compile cache, and of a run that has filled it."""
    place = tmp_path_factory.mktemp("cache")
    trained(started(*TRAIN, place / "run", MEMORYSPAN_COMPILE_CACHE=place / "cache"))
    assert any(path.is_file() for path in (place / "cache").rglob("*"))
    return place


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"\x00" * 100, None], ids=["empty", "zeros", "cut in half"])
def test_a_damaged_compile_cache_changes_nothing(cached, tmp_path, content):
    cache = Path(shutil.copytree(cached / "cache", tmp_path / "cache"))
    for path in (path for path in cache.rglob("*") if path.is_file()):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    trained(started(*TRAIN, tmp_path / "run", MEMORYSPAN_COMPILE_CACHE=cache))
    assert same(tmp_path / "run", cached / "run")


@pytest.mark.slow
@pytest.mark.parametrize("filled", [True, False])
def test_a_compile_cache_that_cannot_be_written_changes_nothing(cached, tmp_path, filled):
    with small_disk(tmp_path / "disk", "64m") as disk:
        if filled:
            shutil.copytree(cached / "cache", disk / "cache")
        make_read_only(disk)
        trained(started(*TRAIN, tmp_path / "run", MEMORYSPAN_COMPILE_CACHE=disk / "cache"))
    assert same(tmp_path / "run", cached / "run")


@pytest.mark.slow
def test_trainings_at_once_share_a_new_compile_cache(cached, tmp_path):
    several = [started(*TRAIN, tmp_path / f"run{n}", MEMORYSPAN_COMPILE_CACHE=tmp_path / "cache") for n in range(3)]
    for process in several:
        trained(process)
    assert all(same(tmp_path / f"run{n}", cached / "run") for n in range(3))


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": None, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None},
        {"TMPDIR": "/nonexistent"},
        {"HOME": "/proc/nowhere", "TMPDIR": "/nonexistent", "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None},
    ],
    ids=["no HOME", "TMPDIR missing", "HOME not writable"],
)
def test_without_a_home_or_a_place_for_temporary_files_it_trains(cached, tmp_path, environment):
    trained(started(*TRAIN, tmp_path / "run", **environment))
    assert same(tmp_path / "run", cached / "run")
