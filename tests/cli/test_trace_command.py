import json
import re

import numpy as np
import pytest

from memoryspan.backend import keras
from memoryspan.inference.trace import trace as traced
from memoryspan.models import gru
from memoryspan.runs import load_model
from memoryspan.tasks import Copy
from tests.messages import names

LAYERS = keras.layers


@pytest.fixture(scope="module")
def reader_of_tokens(tmp_path_factory):
    layers = LAYERS.Embedding(10, 4, mask_zero=True), LAYERS.GRU(3), LAYERS.Dense(10, "softmax")
    path = tmp_path_factory.mktemp("models") / "tokens.keras"
    keras.Sequential([keras.Input((None,)), *layers]).save(path)
    return path


@pytest.fixture(scope="module")
def copier(tmp_path_factory):
    """A model for the copy task, which has learned nothing."""
    path = tmp_path_factory.mktemp("models") / "copier.keras"
    gru(Copy(length=7, n_symbols=3, n_copied=2), units=3, seed=0).save(path)
    return path


def test_a_run_gets_the_picture_of_a_fresh_example_and_replaces_it_the_next_time(memoryspan, solved):
    first = memoryspan("trace", solved)
    assert first.code == 0, first.err
    *example, said = first.out.splitlines()
    assert names(said, solved / "trace.png")
    sequence = json.loads(example[0].removeprefix("Sequence: "))
    assert example[1:] == [f"Expected: {sequence[2]}", f"Predicted: {sequence[2]}"]
    before = (solved / "trace.png").read_bytes()
    assert memoryspan("trace", solved, "--seed", "1").code == 0
    assert (solved / "trace.png").read_bytes() != before


def test_json_and_npz_hold_the_arrays_of_the_library(memoryspan, solved, tmp_path):
    found = traced(load_model(solved), [1, 2, 3, 4])
    cell = found.layers[0].arrays["cell"]
    answer = memoryspan("trace", solved, "--sequence", "1,2,3,4", "--json", "-o", tmp_path / "a.npz")
    (layer,) = answer.json["layers"]
    assert (answer.json["sequence"], answer.json["predicted"], layer["kind"]) == ([1, 2, 3, 4], 3, "LSTM")
    assert list(layer["arrays"]) == ["input", "forget", "candidate", "output", "cell", "hidden"]
    assert np.shape(answer.json["saliency"]) == (4,)
    np.testing.assert_allclose(layer["arrays"]["cell"], cell[0], rtol=1e-5)
    with np.load(tmp_path / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["lstm/cell"], cell)
        np.testing.assert_array_equal(arrays["predictions"], found.predictions)


def test_of_a_task_that_asks_at_several_steps_the_asked_ones_are_judged(memoryspan, copier, tmp_path):
    asked = "trace", copier, "--task", "copy,length=7,n_symbols=3,n_copied=2", "--json", "-o", tmp_path / "a.svg"
    facts = memoryspan(*asked).json
    assert (facts["asked"], facts["expected"]) == ([5, 6], facts["sequence"][:2])
    assert facts["predicted"] == np.argmax(facts["predictions"], -1)[5:].tolist()
    right = sum(map(int.__eq__, facts["expected"], facts["predicted"]))
    picture = (tmp_path / "a.svg").read_text()
    assert names(picture, "copier.keras", f"{right} of 2")
    assert re.search(r"<!-- .*step 6\b.*∂ answer / ∂ input.* -->", picture)


def test_of_a_sequence_that_is_given_nothing_is_expected(memoryspan, copier, tmp_path):
    asked = "trace", copier, "--sequence", "1,0,3,4,3,3", "--json", "-o", tmp_path / "a.svg"
    facts = memoryspan(*asked).json
    assert facts["predicted"] == np.argmax(facts["predictions"], -1).tolist()
    assert not {"asked", "expected"} & set(facts)
    assert re.search(r"<!-- .*step 5\b.*∂ answer / ∂ input.* -->", (tmp_path / "a.svg").read_text())


def test_a_long_list_of_answers_is_printed_without_its_middle(memoryspan, copier, tmp_path):
    lines = memoryspan("trace", copier, "--sequence", "1," * 150, "-o", tmp_path / "a.npz").out.splitlines()
    assert lines[0].startswith("Sequence: [1, 1, 1")
    assert all(names(line, 100, "…") for line in lines[:2])


def test_with_json_nothing_is_written_unless_asked_for(memoryspan, solved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert memoryspan("trace", solved / "model.keras", "--sequence", "1,2", "--json").code == 0
    assert list(tmp_path.iterdir()) == []
    assert memoryspan("trace", solved / "model.keras", "--sequence", "1,2", "-o", "a.json").code == 0
    assert json.loads((tmp_path / "a.json").read_text())["sequence"] == [1, 2]


def test_a_model_without_a_gradient_says_so_and_has_null_where_there_is_no_gate(
    memoryspan, reader_of_tokens, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    answer = memoryspan("trace", reader_of_tokens, "--sequence", "3,0,2")
    assert names(answer.out, "gradient")
    assert (tmp_path / "trace.png").exists()
    facts = memoryspan("trace", reader_of_tokens, "--sequence", "3,0,2", "--json").json
    assert facts["saliency"] is None
    assert facts["layers"][0]["arrays"]["update"][1] == [None] * 3


@pytest.mark.parametrize(("sequence", "features"), [("1,0,2,0.5", 1), ("[[1,0],[0,1],[1,1]]", 2)])
def test_of_several_numbers_all_are_traced(memoryspan, tmp_path, sequence, features):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((None, features)), LAYERS.GRU(3), LAYERS.Dense(5)])
    model.save(tmp_path / "a.keras")
    asked = "trace", tmp_path / "a.keras", "--sequence", sequence, "--json", "-o", tmp_path / "a.png"
    facts = memoryspan(*asked).json
    x = np.array(facts["sequence"], "float32").reshape(1, -1, features)
    expected = np.asarray(model(x))[0]
    np.testing.assert_allclose(facts["predicted"], expected, atol=1e-6)
    np.testing.assert_allclose(facts["predictions"][-1], expected, atol=1e-6)
    assert np.shape(facts["saliency"]) == (x.shape[1],)


def test_what_a_file_reads_can_be_said(memoryspan, tmp_path):
    model = keras.Sequential([keras.Input((3,)), LAYERS.Reshape((3, 1)), LAYERS.GRU(3), LAYERS.Dense(2)])
    model.save(tmp_path / "a.keras")
    asked = "trace", tmp_path / "a.keras", "--sequence", "1,2,3", "--json"
    assert "--reads" in memoryspan(*asked).err
    assert memoryspan(*asked, "--reads", "numbers").json["saliency"] is not None
    assert memoryspan(*asked, "--reads", "symbols").json["saliency"] is None


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".png", ".svg", ".npz", ".json"])
def test_a_file_that_is_no_trace_is_left_alone_and_one_that_is_gets_replaced(memoryspan, solved, tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.write_text("mine")
    asked = "trace", solved, "--sequence", "1,2", "-o", path
    answer = memoryspan(*asked)
    assert (answer.code, path.read_text()) == (2, "mine")
    assert names(answer.err, path, "-o")
    path.unlink()
    assert [memoryspan(*asked).code for _ in range(2)] == [0, 0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "trace.pdf"], [".png", ".svg", ".npz", ".json", "trace.pdf"]),
        (["-o", "none/trace.png"], ["none", "-o"]),
        (["--sequence", "1,x"], ["'1,x'", '"60,56,22"']),
        (["--sequence", "1,20"], [0, 9, 20]),
    ],
)
def test_what_makes_no_sense_is_refused(memoryspan, solved, arguments, words):
    answer = memoryspan("trace", solved, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert names(answer.err, *words)
