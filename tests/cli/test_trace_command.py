import json

import numpy as np
import pytest

from memoryspan.backend import keras
from memoryspan.runs import load_model
from memoryspan.tracing import trace as traced

LAYERS = keras.layers


@pytest.fixture(scope="module")
def reader_of_tokens(tmp_path_factory):
    layers = LAYERS.Embedding(10, 4, mask_zero=True), LAYERS.GRU(3), LAYERS.Dense(10, "softmax")
    path = tmp_path_factory.mktemp("models") / "tokens.keras"
    keras.Sequential([keras.Input((None,)), *layers]).save(path)
    return path


def test_a_run_gets_the_picture_of_a_fresh_example_and_replaces_it_the_next_time(memoryspan, solved):
    first = memoryspan("trace", solved)
    assert first.code == 0, first.err
    *example, said = first.out.splitlines()
    assert said == f"The trace is in {solved / 'trace.png'}."
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
    assert "Where the answer comes from is not known" in answer.out
    assert (tmp_path / "trace.png").exists()
    facts = memoryspan("trace", reader_of_tokens, "--sequence", "3,0,2", "--json").json
    assert facts["saliency"] is None
    assert facts["layers"][0]["arrays"]["update"][1] == [None] * 3


@pytest.mark.parametrize("ending", [".png", ".svg", ".npz", ".json"])
def test_a_file_that_is_no_trace_is_left_alone_and_one_that_is_gets_replaced(memoryspan, solved, tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.write_text("mine")
    asked = "trace", solved, "--sequence", "1,2", "-o", path
    answer = memoryspan(*asked)
    assert (answer.code, path.read_text()) == (2, "mine")
    assert "is there already, and is not a trace" in answer.err
    path.unlink()
    assert [memoryspan(*asked).code for _ in range(2)] == [0, 0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "trace.pdf"], "A trace is written as .png, .svg, .npz, .json"),
        (["-o", "none/trace.png"], "There is no directory none"),
        (["--sequence", "1,x"], 'A sequence reads like "60,56,22"'),
        (["--sequence", "1,20"], "the sequence holds 20"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(memoryspan, solved, arguments, sentence):
    answer = memoryspan("trace", solved, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err
