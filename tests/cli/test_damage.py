"""Single damaged bytes in the files of a run and of a sweep: a sentence, no traceback, and nothing else lost."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from memoryspan import Budget, Echo, lstm
from memoryspan.accuracy import AccuracyRecord
from memoryspan.errors import MemoryspanError
from memoryspan.runs import Run
from memoryspan.spans.kind import SPAN
from memoryspan.sweeps.client import lost
from memoryspan.sweeps.sweep import open_for_writing, pending, read_sweep, save, write_csv
from memoryspan.training import TrainConfig
from tests.sweeps.tiny_sweep import config, result_of

MANY = 1000
"""Damages of a run and of a sweep each, in the slow tests."""


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> Path:
    """A run whose budget is spent, with its held span and its checkpoints."""
    directory = tmp_path_factory.mktemp("runs") / "ended"
    task, how = Echo(length=8, n_features=10), TrainConfig(seed=5, budget=Budget(examples=1280))
    Run.create(lstm(task, units=6, seed=5), task, how, directory=directory).train(every=0)
    return directory


@pytest.fixture(scope="module")
def unfinished(ended) -> Path:
    """The same run as one that was killed on the way to more."""
    directory = Path(shutil.copytree(ended, ended.parent / "unfinished"))
    Run.resume(directory, budget=Budget(examples=3200)).lock.release()
    return directory


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> Path:
    """A sweep of six trials, of which one has failed."""
    directory = tmp_path_factory.mktemp("sweeps") / "sweep"
    with open_for_writing(directory, SPAN, config(3, tasks=("echo", "copy"))) as opened:
        for trial in opened.trials[:-1]:
            found = result_of(trial, length=3)
            assert found.result is not None
            curve = tuple(AccuracyRecord(n, 1000, n, 0.2, n / 1000, (0.1, 0.9)) for n in (2, 3, 8))
            save(opened, msgspec.structs.replace(found, result=msgspec.structs.replace(found.result, curve=curve)))
        save(opened, *lost(opened.trials[-1:], "ValueError: no"))
        write_csv(opened)
    return directory


def content_of(directory: Path) -> dict[Path, bytes]:
    """The files of a run or of a sweep."""
    paths = [path for path in sorted(directory.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {path.relative_to(directory): path.read_bytes() for path in paths if path.suffix != ".html"}


def damages(directory: Path, number: int | None) -> Iterator[tuple[Path, int, int]]:
    """Files, each with a place and the byte that stands there now: one of each, no text, or a number of random ones."""
    files, random = content_of(directory), np.random.default_rng(7)
    if number is None:
        yield from ((path, content.index(b"e"), 0xFF) for path, content in files.items() if b"e" in content)
        return
    for _ in range(number):
        path = list(files)[random.integers(len(files))]
        place = int(random.integers(len(files[path])))
        flipped = files[path][place] ^ 1 << int(random.integers(8))
        yield path, place, (flipped, int(random.integers(256)), 0xFF, ord("9"))[random.integers(4)]


def damaged(directory: Path, place: Path, number: int | None) -> Iterator[tuple[Path, dict[Path, bytes]]]:
    """Copies of a directory with one byte damaged: the file, and the content of all of them."""
    for path, at, byte in damages(directory, number):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(directory, place)
        content = bytearray((place / path).read_bytes())
        content[at] = byte
        (place / path).write_bytes(content)
        print(path, at, byte)  # shown where a test fails
        yield path, content_of(place)


def shows(memoryspan, place: Path, before: dict[Path, bytes], *command: str) -> None:
    """Run a command that reads: it ends in what is documented, with a sentence, and changes nothing."""
    answer = memoryspan(*command, place)
    assert answer.code in (0, 1, 2)  # 1 where a trial has failed
    assert ("Error: " in answer.err) == (answer.code == 2)
    assert before.items() <= content_of(place).items()


def resumes(place: Path, file: Path, before: dict[Path, bytes]) -> None:
    """Open a run for training: it is refused and nothing is changed, or it is opened and all that was good is kept."""
    try:
        Run.resume(place).lock.release()
    except MemoryspanError:
        assert content_of(place) == before
        return
    now = content_of(place)
    changed = {path for path in before if now.get(path) != before[path]}
    again = {Path("history.jsonl"), Path("snapshots.safetensors"), Path("run.json")}  # from the checkpoint before
    there = {file, file.with_suffix(".json"), file.with_suffix(".safetensors")}
    assert changed <= there | (again if file.parts[0] == "checkpoints" else set())


@pytest.mark.parametrize(
    "number", [None, pytest.param(MANY // 2, marks=pytest.mark.slow)], ids=["each file", "many bytes"]
)
@pytest.mark.parametrize("which", ["ended", "unfinished"])
def test_a_damaged_byte_in_a_run_is_a_sentence_and_nothing_else_is_lost(memoryspan, which, number, request, tmp_path):
    place = tmp_path / "run"
    for file, before in damaged(request.getfixturevalue(which), place, number):
        shows(memoryspan, place, before, "info")
        shows(memoryspan, place, before, "report")
        resumes(place, file, content_of(place))


@pytest.mark.slow
def test_a_damaged_run_is_resumed_by_the_command_or_is_a_sentence(memoryspan, ended, unfinished, tmp_path):
    place = tmp_path / "run"
    for directory in (ended, unfinished):
        for _ in damaged(directory, place, 40):
            answer = memoryspan("train", "--resume", place)
            assert answer.code in (0, 1, 2)
            assert ("Error: " in answer.err) == (answer.code == 2)


@pytest.mark.parametrize("number", [None, pytest.param(MANY, marks=pytest.mark.slow)], ids=["each file", "many bytes"])
def test_a_damaged_byte_in_a_sweep_is_a_sentence_and_one_result_at_most_is_run_again(
    memoryspan, sweep, number, tmp_path
):
    place = tmp_path / "sweep"
    for file, before in damaged(sweep, place, number):
        shows(memoryspan, place, before, "info")
        shows(memoryspan, place, before, "report")
        if file.parts[0] == "trials":
            assert len(pending(read_sweep(place, SPAN))) <= 1
        if not pending_of(place):
            shows(memoryspan, place, {}, "span", "--dir")


def pending_of(place: Path) -> list:
    try:
        with open_for_writing(place, SPAN) as opened:
            write_csv(opened)
            return pending(opened)
    except MemoryspanError:
        return []
