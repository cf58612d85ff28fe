"""Directories that cannot be written to, names that are no text, and outputs that are closed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.disks import make_read_only, small_disk
from tests.messages import names


@pytest.fixture
def read_only(solved, tmp_path):
    """A copy of a run in which nothing can be written."""
    with small_disk(tmp_path / "disk", "8m") as disk:
        run = Path(shutil.copytree(solved, disk / "run", ignore=shutil.ignore_patterns("held-span.json")))
        make_read_only(disk)
        yield run


def test_a_span_is_printed_although_it_cannot_be_saved(memoryspan, read_only):
    answer = memoryspan("span", read_only, "--max-length", "12")
    assert answer.code == 0
    assert names(answer.out, "Held span:")
    assert answer.err.count(str(read_only)) == 2  # the span, and the picture
    as_json = memoryspan("span", read_only, "--max-length", "12", "--json")
    assert as_json.code == 0
    assert as_json.json["curve"]


def test_a_trace_is_printed_before_the_picture_fails(memoryspan, read_only):
    answer = memoryspan("trace", read_only)
    assert answer.code == 2
    assert names(answer.out, "Predicted:")
    assert names(answer.err, read_only, "-o")
    assert memoryspan("trace", read_only, "--json").code == 0


def test_a_page_goes_elsewhere(memoryspan, read_only, tmp_path):
    answer = memoryspan("report", read_only)
    assert answer.code == 2
    assert names(answer.err, read_only, "-o")
    answer = memoryspan("report", read_only, "-o", tmp_path / "page.html")
    assert answer.code == 0
    assert names(answer.err, read_only)
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize("command", [["train", "--resume"], ["train", "--length", "4", "--run"]])
def test_a_training_is_refused(memoryspan, read_only, command):
    answer = memoryspan(*command, read_only)
    assert (answer.code, answer.out) == (2, "")
    assert names(answer.err, read_only)


COMMANDS = [["info"], ["predict"], ["trace"], ["span", "--max-length", "12"], ["report"], ["train", "--resume"]]

EACH = [pytest.param(each, marks=() if each in (["info"], ["trace"]) else pytest.mark.slow) for each in COMMANDS]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take names of text alone")
@pytest.mark.parametrize("command", EACH, ids=" ".join)
def test_a_name_that_is_no_text_is_a_name(memoryspan, solved, tmp_path, command):
    run = Path(shutil.copytree(solved, os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))
    answer = memoryspan(*command, run)
    assert answer.code == 0
    assert "Error" not in answer.err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take names of text alone")
def test_a_file_of_user_code_whose_name_is_no_text_is_refused(memoryspan, tmp_path):
    file = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py")
    Path(file).write_text("from memoryspan import lstm\ndef build(task): return lstm(task, units=3, seed=0)\n")
    answer = memoryspan("train", "--length", "4", "--model", f"{file}:build", "--run", tmp_path / "run")
    assert answer.code == 2
    assert names(answer.err, r"caf\udce9.py")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", COMMANDS[:4], ids=" ".join)
def test_a_path_that_is_too_long_is_named_as_such(memoryspan, command):
    answer = memoryspan(*command, "a" * 300)
    assert answer.code == 2
    assert names(answer.err, "a" * 300, "File name too long")
    assert not names(answer.err, "written")


def closed(*arguments: str | Path, close: str = ">&-") -> subprocess.CompletedProcess:
    command = " ".join([sys.executable, "-m", "memoryspan", *map(str, arguments), close])
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=240)


@pytest.mark.parametrize("close", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_output_is_no_error(solved, close):
    answer = closed("info", solved, close=close)
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.slow
def test_what_is_printed_on_a_closed_output_goes_into_no_file(tmp_path, memoryspan):
    answer = closed("train", "--length", "4", "--features", "5", "--run", tmp_path / "run")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert memoryspan("report", tmp_path / "run").code == 0
