"""The notebooks of the examples, as they are committed, and as they run here."""

import re

import nbformat
import pytest

from tools.notebooks import EXAMPLES, METADATA, NOTEBOOKS, executed

SIZE = 300_000
"""Bytes of a notebook, at most."""


def committed(name):
    return nbformat.read(EXAMPLES / name, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(notebook):
    """What each cell shows: printed lines, a table, a picture."""
    return {
        cell.id: [sorted(output.data) if "data" in output else output.output_type for output in cell.outputs]
        for cell in code(notebook)
    }


def words(notebook, cell_id):
    """What a cell shows, without markup and pictures."""
    (cell,) = (cell for cell in notebook.cells if cell.id == cell_id)
    return "\n".join(output.get("text") or output.data["text/plain"] for output in cell.outputs)


def number(pattern, text):
    found = re.search(pattern, text)
    assert found, text
    return float(found[1].replace(",", ""))


def test_the_two_notebooks_are_there():
    assert [path.name for path in NOTEBOOKS] == ["own_model_and_task.ipynb", "vanilla_lstm.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_committed_notebook_was_executed_from_above_without_an_error(path):
    cells = code(committed(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert {output.name for output in outputs if output.output_type == "stream"} <= {"stdout"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_committed_notebook_is_small_and_says_nothing_of_the_machine(path):
    assert path.stat().st_size < SIZE
    notebook = committed(path)
    assert notebook.metadata == METADATA
    assert [cell.metadata for cell in notebook.cells] == [{}] * len(notebook.cells)
    assert not re.search(r"/home/|/root/|/tmp/|/Users/|\\Users\\|site-packages", path.read_text())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_begins_by_installing_what_is_not_there(path):
    first = code(committed(path))[0]
    assert "%pip install --quiet .." in first.source
    assert first.outputs == []


@pytest.mark.slow
def test_the_tutorial_ends_at_about_nothing_and_the_curriculum_at_everything(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)  # it trains for long
    found = executed(EXAMPLES / "vanilla_lstm.ipynb")
    assert kinds(found) == kinds(committed("vanilla_lstm.ipynb"))

    assert number(r"Accuracy: (\S+)", words(found, "evaluate-code")) <= 6
    assert number(r"n_correct=(\d+), examples=1000", words(found, "plateau")) <= 25
    assert number(r"Share of the symbol to echo: (\S+)%", words(found, "gradient-code")) < 0.1
    assert number(r"has ([\d,]+) times", words(found, "gradient-code")) > 100
    assert number(r"Share of the symbol to echo: (\S+)%", words(found, "short-code")) > 20

    assert "n_correct=1000, examples=1000, length=50" in words(found, "train")
    expected, predicted = re.findall(r"\[(\d+)\]", words(found, "fresh-code"))
    assert expected == predicted
    input_gate, forget_gate = words(found, "gates-code").splitlines()
    assert number(r"(\S+) at the symbol", input_gate) > 0.9 > 0.2 > number(r"(\S+) after", input_gate)
    assert number(r"(\S+) after", forget_gate) > 0.9
    assert number(r"Share of the symbol to echo: (\S+)%", words(found, "now-code")) > 10
    assert number(r"Span\(length=(\d+)", words(found, "span-code")) >= 50


@pytest.mark.slow
def test_a_model_and_a_task_of_ones_own_are_trained_measured_and_seen_into():
    found = executed(EXAMPLES / "own_model_and_task.ipynb")
    assert kinds(found) == kinds(committed("own_model_and_task.ipynb"))

    assert "solved" in words(found, "model-code")
    assert number(r"n_correct=(\d+), examples=1000", words(found, "measure-code")) > 950
    assert words(found, "predict").splitlines() == ["3, then no other: 0", "3, then another: 1"]
    assert "solved" in words(found, "layer-code")
    assert words(found, "paths-code").splitlines() == ["GRU: unroll", "LeakyCell: keras"]
