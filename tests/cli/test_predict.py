import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from memoryspan.backend import keras
from tests.messages import names


def test_a_fresh_example_is_answered_and_the_right_answer_shown(memoryspan, solved):
    lines = memoryspan("predict", solved).out.splitlines()
    sequence = json.loads(lines[0].removeprefix("Sequence: "))
    assert lines[1:] == [f"Expected: {sequence[2]}", f"Predicted: {sequence[2]}"]


def test_a_sequence_is_answered_with_probabilities_on_request(memoryspan, solved):
    answer = memoryspan("predict", solved, "--sequence", "[1, 2, 3, 4, 5, 6]", "--probabilities")
    assert answer.out.startswith("Sequence: [1, 2, 3, 4, 5, 6]\nPredicted: 3\nProbabilities: 3: ")

    answer = memoryspan("predict", solved, "--sequence", "1 2 3 4 5 6", "--probabilities", "--json")
    assert answer.json["predicted"] == 3
    assert sum(answer.json["probabilities"]) == pytest.approx(1, abs=1e-5)


def saved(path, *layers):
    keras.Sequential([keras.Input((None, 10)), *layers]).save(path)
    return path


def piped(text: str | bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text if isinstance(text, bytes) else text.encode()), encoding="utf-8")


def test_sequences_come_one_a_line_on_standard_input_where_that_is_asked_for(memoryspan, solved, monkeypatch):
    monkeypatch.setattr(sys, "stdin", piped("1,2,3,4,5,6\n\n[9, 8, 7]\n"))
    out = memoryspan("predict", solved, "--sequence", "-", "--json").out
    assert [json.loads(line) for line in out.splitlines()] == [
        {"sequence": [1, 2, 3, 4, 5, 6], "predicted": 3},
        {"sequence": [9, 8, 7], "predicted": 7},
    ]


def test_standard_input_is_left_to_others_where_it_is_not_asked_for(solved):
    command = [sys.executable, "-m", "memoryspan", "predict", str(solved)]
    reading, writing = os.pipe()  # stays open: whoever reads from it waits
    process = subprocess.run(command, stdin=reading, capture_output=True, text=True, timeout=60, check=True)
    os.close(writing)
    os.close(reading)
    assert process.stdout.startswith("Sequence: [")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n", ['"60,56,22"']),
        (None, ['"60,56,22"']),
        (b"\xff\x00", ["Line 1", '"60,56,22"']),
        ("1,20\n1,2\n", [0, 9, 20]),
        ("x\n", ["Line 1", "'x'", '"60,56,22"']),
    ],
)
def test_a_standard_input_that_makes_no_sense_is_refused(memoryspan, solved, monkeypatch, text, words):
    monkeypatch.setattr(sys, "stdin", text if text is None else piped(text))
    answer = memoryspan("predict", solved, "--sequence", "-")
    assert (answer.code, answer.out) == (2, "")
    assert names(answer.err, *words)


def test_lines_are_answered_as_they_come_so_that_an_endless_input_is_no_trouble(solved):
    command = f"yes 1,2,3 | {sys.executable} -m memoryspan predict {solved} --sequence - --json | head -2"
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert [json.loads(line)["predicted"] for line in answer.stdout.splitlines()] == [3, 3]
    assert answer.stderr == ""


def test_a_line_that_makes_no_sense_takes_nothing_from_those_before_it(memoryspan, solved, monkeypatch):
    monkeypatch.setattr(sys, "stdin", piped("1,2,3\n1,20\n"))
    answer = memoryspan("predict", solved, "--sequence", "-", "--json")
    assert answer.code == 2
    assert json.loads(answer.out)["predicted"] == 3


def test_a_model_shorter_than_any_task_still_answers_a_sequence(memoryspan, tmp_path):
    from memoryspan import vanilla_lstm

    vanilla_lstm(2, 10, 4).save(tmp_path / "short.keras")
    answer = memoryspan("predict", tmp_path / "short.keras", "--sequence", "1,2", "--json")
    assert answer.json["predicted"] in range(10)


def test_a_model_that_answers_every_step_gives_all_of_its_probabilities_as_json(memoryspan, tmp_path):
    layers = keras.layers.GRU(4, return_sequences=True), keras.layers.Dense(3, "softmax")
    asked = "predict", saved(tmp_path / "steps.keras", *layers), "--sequence", "1,2", "--probabilities"
    assert np.shape(memoryspan(*asked, "--json").json["probabilities"]) == (2, 3)
    answer = memoryspan(*asked)
    assert (answer.code, answer.out) == (2, "")
    assert names(answer.err, "--probabilities", "--json")


def test_a_model_that_answers_with_a_number_gives_it(memoryspan, tmp_path):
    path = saved(tmp_path / "number.keras", keras.layers.GRU(4), keras.layers.Dense(1, bias_initializer="ones"))
    (number,) = memoryspan("predict", path, "--sequence", "1,2", "--json").json["predicted"]
    assert isinstance(number, float)
    assert names(memoryspan("predict", path, "--sequence", "1", "--probabilities").err, "--probabilities")


@pytest.mark.parametrize(
    ("sequence", "words"),
    [
        ("", ["empty"]),
        ("1,2,10", [0, 9, 10]),
        ("1,2,-1", [0, 9, -1]),
        ("1,2,x", ["'1,2,x'", '"60,56,22"']),
        ("1.5,2", [0, 9, 1.5]),
        ("[[1,2],[3]", ["'[[1,2],[3]'", '"60,56,22"']),
        ('[["a"]]', ['[["a"]]', '"60,56,22"']),
        ("[[[1]]]", ["'[[[1]]]'", '"60,56,22"']),
        ("[[0.5,1],[2,3]]", ["(time, 10)"]),
        ("nan,1", ["finite"]),
    ],
)
def test_a_sequence_that_makes_no_sense_is_refused(memoryspan, solved, sequence, words):
    answer = memoryspan("predict", solved, "--sequence", sequence)
    assert (answer.code, answer.out) == (2, "")
    assert names(answer.err, *words)


def kept(path, *layers, loss=None, inputs=(None, 1), dtype=None):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(inputs, dtype=dtype), *layers])
    if loss is not None:
        model.compile("adam", loss)
    model.save(path)
    return model


L = keras.layers
ROOT = Path(__file__).parents[2]


def test_a_forecast_of_several_numbers_is_given_as_it_is(memoryspan, tmp_path):
    model = kept(tmp_path / "a.keras", L.GRU(3), L.Dense(3), loss="mse")
    for text, series in (("0.1,0.25,3", [0.1, 0.25, 3]), ("1 2 3", [1, 2, 3])):
        facts = memoryspan("predict", tmp_path / "a.keras", "--sequence", text, "--json").json
        expected = np.asarray(model(np.array(series, "float32").reshape(1, -1, 1)))[0]
        assert facts["sequence"] == series
        np.testing.assert_allclose(facts["predicted"], expected, atol=1e-6)
    out = memoryspan("predict", tmp_path / "a.keras", "--sequence", "0.1,0.25,3").out
    assert out.splitlines()[0] == "Sequence: [0.1, 0.25, 3]"
    assert len(out.splitlines()[1]) < 50


def test_vectors_are_given_as_brackets_inside_brackets_and_several_a_line_each(memoryspan, tmp_path, monkeypatch):
    model = kept(tmp_path / "a.keras", L.GRU(3), L.Dense(2), inputs=(None, 2))
    text = "[[0, 1], [1, 1]]\n[[0.5, 1]]\n"
    monkeypatch.setattr(sys, "stdin", piped(text))
    out = memoryspan("predict", tmp_path / "a.keras", "--sequence", "-", "--json").out
    for line, answer in zip(text.splitlines(), out.splitlines(), strict=True):
        expected = np.asarray(model(np.array([json.loads(line)], "float32")))[0]
        np.testing.assert_allclose(json.loads(answer)["predicted"], expected, atol=1e-6)


def test_what_a_file_reads_can_be_said(memoryspan, tmp_path):
    kept(tmp_path / "a.keras", L.Reshape((3, 1)), L.GRU(3), L.Dense(4, "softmax"), inputs=(3,))
    asked = "predict", tmp_path / "a.keras", "--sequence", "0,1,2", "--json"
    assert "--reads" in memoryspan(*asked).err
    ways = [["--reads", "numbers"], ["--reads", "symbols"], ["--features", "4"], ["--task", "echo,n_features=4"]]
    answers = [memoryspan(*asked, *way) for way in ways]
    assert [answer.code for answer in answers] == [0] * 4
    answer = memoryspan("predict", tmp_path / "a.keras", "--sequence", "0,1,4", "--features", "4")
    assert names(answer.err, 0, 3, 4)


def test_a_run_reads_what_its_task_says(memoryspan, solved):
    ten = "3,1,4,1,5,9,2,6,5,3"  # as many symbols as the model has features
    assert memoryspan("predict", solved, "--sequence", ten, "--json").json["predicted"] == 4


def test_a_run_on_a_task_of_ones_own_reads_what_its_model_says_where_the_file_is_not_given(memoryspan, tmp_path):
    task, run = f"{ROOT}/examples/own_task.py:Again", tmp_path / "run"
    settings = "--length", "4", "--features", "6", "--units", "4", "--budget", "500", "--run", run
    assert memoryspan("train", "--task", task, *settings).code == 1
    asked = "predict", run, "--sequence", "1,2,3,1"
    assert memoryspan(*asked).out == memoryspan(*asked, "--task", task).out != ""
    assert names(memoryspan("predict", run).err, run, f"--task {task}")


def test_a_fresh_example_for_a_file_has_as_many_symbols_as_its_table(memoryspan, tmp_path):
    kept(tmp_path / "a.keras", L.Embedding(4, 3), L.GRU(3), L.Dense(4, "softmax"), inputs=(None,))
    facts = memoryspan("predict", tmp_path / "a.keras", "--json").json
    assert max(facts["sequence"]) == 3
    facts = memoryspan("predict", tmp_path / "a.keras", "--length", "7", "--out-index", "5", "--json").json
    assert facts["expected"] == facts["sequence"][5]


def test_of_a_file_that_does_not_say_its_symbols_the_option_is_named(memoryspan, tmp_path):
    kept(tmp_path / "a.keras", L.Reshape((50, 1)), L.GRU(3), L.Dense(4, "softmax"), inputs=(50,), dtype="int32")
    assert "--features 4" in memoryspan("predict", tmp_path / "a.keras").err
    assert memoryspan("predict", tmp_path / "a.keras", "--features", "4").code == 0


@pytest.mark.parametrize("more", [[], ["--task", "echo"], ["--features", "1"], ["--features", "100"]])
def test_a_model_of_one_real_channel_is_offered_a_task_of_numbers(memoryspan, tmp_path, more):
    kept(tmp_path / "a.keras", L.GRU(3), L.Dense(1))
    for command in ("predict", "evaluate"):
        answer = memoryspan(command, tmp_path / "a.keras", *more)
        assert answer.code == 2
        assert names(answer.err, "echo", "--task", "adding", 2)
        assert "100" not in answer.err


def test_a_fresh_example_of_numbers_is_answered_by_a_file(memoryspan, tmp_path):
    kept(tmp_path / "a.keras", L.GRU(3), L.Dense(1), inputs=(None, 2))
    facts = memoryspan("predict", tmp_path / "a.keras", "--task", "adding", "--length", "6", "--json").json
    assert np.shape(facts["sequence"]) == (6, 2)
    assert isinstance(facts["predicted"], float)


def test_a_run_that_does_not_exist_is_said_so(memoryspan, tmp_path):
    answer = memoryspan("predict", tmp_path / "none")
    assert answer.code == 2
    assert names(answer.err, tmp_path / "none")
