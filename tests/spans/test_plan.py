import pytest

from memoryspan import Budget
from memoryspan.errors import TaskError, UserCodeError
from memoryspan.spans.plan import plan
from memoryspan.spec import Spec
from tests.messages import naming

ECHO, LSTM = Spec("echo", {"n_features": 4}), Spec("lstm", {"units": 3})


def ask(tasks=(ECHO,), models=(LSTM,), *, seeds=range(2), budget=Budget(), max_length=16, batch_size=32):  # noqa: B008  (frozen)
    return plan(tasks, models, seeds=seeds, budget=budget, max_length=max_length, batch_size=batch_size)


def test_a_question_has_all_settings_but_those_that_its_cells_differ_in():
    asked = ask()
    (task,), (model,) = asked.tasks, asked.models
    assert task.settings == {"n_features": 4, "out_index": 2}
    assert model.settings["units"] == 3
    assert "learning_rate" in model.settings
    assert "seed" not in model.settings
    assert [cell.seed for cell in asked.trials] == [0, 1]


def test_the_same_question_has_the_same_cells_however_it_is_put():
    in_full = Spec("echo", {"out_index": 2, "n_features": 4})
    assert [cell.key for cell in ask().trials] == [cell.key for cell in ask(tasks=(in_full,)).trials]
    assert [cell.key for cell in ask().trials] != [cell.key for cell in ask(max_length=17).trials]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tasks": [Spec("ekko")]}, ["'ekko'", "echo"]),
        ({"models": [Spec("lsmt")]}, ["'lsmt'", "lstm"]),
        ({"models": [Spec("lstm", {"width": 3})]}, ["lstm", "width", "units"]),
        ({"tasks": [Spec("echo", {"symbols": 3})]}, ["echo", "symbols", "length", "n_features"]),
        ({"models": [Spec("lstm", {"units": 0})]}, ["units", 0, 1]),
        ({"tasks": [Spec("echo", {"length": 9})]}, ["length", "echo,length=9"]),
        ({"max_length": 2}, ["out_index", 0, 1, "length=2"]),
        ({"budget": Budget(examples=100)}, ["100 examples", "320 examples"]),
        ({"budget": Budget(examples=None, tokens=900)}, ["900 tokens", "960 tokens"]),
        ({"seeds": ()}, ["seeds", 0, 1]),
        ({"batch_size": 0}, ["batch_size", 0, 1]),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_begun(changed, words):
    with pytest.raises(TaskError, match=naming(*words)):
        ask(**changed)


def test_a_model_of_user_code_is_tried_on_every_task(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def build(task):\n    return task.name\n")
    with pytest.raises(UserCodeError, match=naming(f"{file}:build", "keras.Model", "'echo'")):
        ask(models=(LSTM, Spec(f"{file}:build")))


def test_a_file_of_user_code_is_part_of_the_settings(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("from memoryspan import lstm\ndef build(task, units=2):\n    return lstm(task, units=units)\n")
    (model,) = ask(models=(Spec(f"{file}:build"),)).models
    assert model.settings == {"units": 2}
    assert model.sha256
