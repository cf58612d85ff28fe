"""Names from other people's files are shown, and command nothing."""

import ast
import json
import shutil
from pathlib import Path

import pytest

from memoryspan.backend import keras
from tests.messages import names

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31m\u202efake\rname\nError: none"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\x1b[31m\u202efake\rname\nError: none"


@pytest.fixture
def hostile_run(solved, tmp_path) -> Path:
    """A run whose record was written by somebody who likes escape sequences."""
    directory = tmp_path / "run"
    shutil.copytree(solved, directory)
    record = json.loads((directory / "run.json").read_text())
    record["config"]["model"] = {"name": HOSTILE, "settings": {HOSTILE: HOSTILE}}
    record["environment"]["device"] = HOSTILE
    (directory / "run.json").write_text(json.dumps(record))
    return directory


@pytest.mark.parametrize("command", [["info"], ["predict"], ["report"]])
def test_names_in_a_run_command_no_terminal(memoryspan, hostile_run, command):
    answer = memoryspan(*command, hostile_run)
    assert answer.code == 0
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(answer.out + answer.err)
    assert "\nError" not in answer.out


def test_info_shows_what_a_name_holds(memoryspan, hostile_run):
    assert SHOWN in memoryspan("info", hostile_run).out


def test_names_in_an_error_command_no_terminal(memoryspan, hostile_run):
    record = (hostile_run / "run.json").read_text()
    (hostile_run / "run.json").write_text(record.replace('"echo"', json.dumps(HOSTILE)))
    answer = memoryspan("predict", hostile_run)
    assert answer.code == 2
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(answer.err)
    assert names(answer.err, "info") or "fake" in answer.err


def test_names_in_a_model_command_no_terminal(memoryspan, tmp_path):
    layers = [keras.Input((None, 4)), keras.layers.LayerNormalization(name="a\x1b[2Jb"), keras.layers.LSTM(3)]
    keras.Sequential(layers, name="\x1b[31m").save(tmp_path / "model.keras")
    answer = memoryspan("info", tmp_path / "model.keras")
    assert (answer.code, "\x1b" in answer.out) == (0, False)


def test_a_path_that_is_not_utf8_is_printed(memoryspan, tmp_path):
    answer = memoryspan("info", tmp_path / "run\udcff")
    assert (answer.code, r"run\udcff" in answer.err) == (2, True)


def test_all_that_is_printed_goes_through_one_place():
    """`click.echo` and `print` print what commands a terminal as it is."""
    folder = Path(__file__).parents[2] / "src" / "memoryspan"
    found = {
        path.name
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("click.echo", "click.secho", "print")
    }
    assert found == {"output.py"}
