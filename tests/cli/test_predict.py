import json
import subprocess
import sys

import pytest


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


def test_sequences_come_one_a_line_on_standard_input(solved):
    command = [sys.executable, "-m", "memoryspan", "predict", str(solved), "--json"]
    out = subprocess.run(command, input="1,2,3,4,5,6\n\n[9, 8, 7]\n", capture_output=True, text=True, check=True).stdout
    assert [json.loads(line) for line in out.splitlines()] == [
        {"sequence": [1, 2, 3, 4, 5, 6], "predicted": 3},
        {"sequence": [9, 8, 7], "predicted": 7},
    ]


@pytest.mark.parametrize(
    ("sequence", "sentence"),
    [
        ("", "this one is empty"),
        ("1,2,10", "Symbols go from 0 to 9 for this model, and the sequence holds 10"),
        ("1,2,-1", "and the sequence holds -1"),
        ("1,2,x", 'A sequence reads like "60,56,22"'),
        ("1.5,2", 'A sequence reads like "60,56,22"'),
    ],
)
def test_a_sequence_that_makes_no_sense_is_refused(memoryspan, solved, sequence, sentence):
    answer = memoryspan("predict", solved, "--sequence", sequence)
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err


def test_a_run_that_does_not_exist_is_said_so(memoryspan, tmp_path):
    answer = memoryspan("predict", tmp_path / "none")
    assert answer.code == 2
    assert f"There is no run at {tmp_path / 'none'}" in answer.err
