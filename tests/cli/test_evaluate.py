import shutil

import pytest

from tests.messages import names


def test_a_run_is_measured_on_its_own_task(memoryspan, solved):
    answer = memoryspan("evaluate", solved, "--examples", "500")
    (line,) = answer.out.splitlines()
    assert names(line, "100.0 %", "500 of 500", "95 %", "99.2 %", "10.0 %")


def test_options_ask_for_another_length(memoryspan, solved):
    answer = memoryspan("evaluate", solved, "--length", "12", "--json").json
    assert answer["task"] == {"name": "echo", "length": 12, "n_features": 10, "out_index": 2}
    assert answer["accuracy"]["examples"] == 1000
    assert answer["accuracy"]["interval"][0] <= answer["accuracy"]["value"] <= answer["accuracy"]["interval"][1]


def test_naming_the_runs_own_task_changes_nothing_of_it(memoryspan, solved):
    assert memoryspan("evaluate", solved, "--task", "echo", "--out-index", "1", "--json").json["task"] == {
        "name": "echo",
        "length": 6,
        "n_features": 10,
        "out_index": 1,
    }


def test_a_run_whose_directory_is_called_like_a_file_is_a_run(memoryspan, solved, tmp_path):
    run = shutil.copytree(solved, tmp_path / "run.keras")
    assert memoryspan("evaluate", run, "--examples", "50", "--json").json["task"]["length"] == 6
    assert memoryspan("info", run, "--json").json["status"] == "solved"


def test_anybodys_keras_file_is_measured_and_its_sizes_are_found(memoryspan, tmp_path):
    from memoryspan import vanilla_lstm

    vanilla_lstm(8, 10, 4).save(tmp_path / "theirs.keras")
    answer = memoryspan("evaluate", tmp_path / "theirs.keras", "--examples", "200", "--json").json
    assert answer["task"] == {"name": "echo", "length": 8, "n_features": 10, "out_index": 2}
    assert answer["accuracy"]["chance"] == 0.1
    assert answer["accuracy"]["n_correct"] < 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--length", "9"], [8, 9]),
        (["--features", "11"], [10, "echo", 11]),
        (["--examples", "0"], ["examples", 0, 1]),
        (["--seed", "99999999999999999999"], ["seed", 99999999999999999999, 4294967295]),
    ],
)
def test_a_task_that_does_not_fit_the_model_is_refused(memoryspan, tmp_path, arguments, words):
    from memoryspan import vanilla_lstm

    vanilla_lstm(8, 10, 4).save(tmp_path / "theirs.keras")
    answer = memoryspan("evaluate", tmp_path / "theirs.keras", *arguments)
    assert answer.code == 2
    assert names(answer.err, *words)
