import msgspec
import pytest
from messages import naming
from tiny_sweep import LSTM, question

from memoryspan.errors import RunError
from memoryspan.named import Named
from memoryspan.reproduce.experiment import trials
from memoryspan.reproduce.suite import SUITE
from memoryspan.spans import manifest
from memoryspan.spans.manifest import asked_again
from memoryspan.training.budget import Budget

MINE = Named("mine.py:build", {"width": 3}, "ab12")
ALL = {cell.key for cell in question().cells}


def test_the_cells_are_by_task_then_model_then_seed_each_once():
    asked = question(2, ("echo", "delay", "echo"), (Named("lstm"), MINE))
    names = [(cell.task.name, cell.model.name, cell.seed) for cell in asked.cells]
    models = "lstm", "mine.py:build"
    assert names == [(task, model, seed) for task in ("echo", "delay") for model in models for seed in (0, 1)]


def test_it_comes_back_as_it_was_written(tmp_path):
    written = manifest.write(tmp_path, question(models=(MINE,)))
    assert manifest.read(tmp_path) == written
    assert asked_again(tmp_path, manifest.read(tmp_path), question(models=(MINE,)), ()) == written


@pytest.mark.parametrize(
    "more",
    [{"seeds": (2, 1, 0)}, {"models": (MINE, LSTM)}, {"tasks": (Named("echo", {"n_features": 3}), Named("delay"))}],
)
def test_a_question_with_more_in_it_takes_the_place_of_the_first(tmp_path, more):
    first = manifest.write(tmp_path, question())
    now = msgspec.structs.replace(question(), **more)
    again = asked_again(tmp_path, first, now, ALL)
    assert again == manifest.read(tmp_path) == msgspec.structs.replace(first, asked=now)


def test_what_has_no_answer_can_be_left_out_again(tmp_path):
    first = manifest.write(tmp_path, question(400))
    assert asked_again(tmp_path, first, question(), ALL).asked == manifest.read(tmp_path).asked == question()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seeds": (0,)}, ["seeds 1"]),
        ({"seeds": (0, 2)}, ["seeds 1"]),
        ({"budget": Budget(tokens=9000)}, ["budget", "64 examples", "2,000,000 examples", "9,000 tokens"]),
        ({"longest": 4000, "batch_size": 9}, ["batch_size", 8, 9, 4, "4,000"]),
        ({"models": (Named("lstm", {"units": 4}),)}, ["models", "lstm,units=3"]),
    ],
)
def test_another_question_is_told_apart_field_by_field(tmp_path, change, words):
    now = msgspec.structs.replace(question(), **change)
    first = manifest.write(tmp_path, question())
    with pytest.raises(RunError, match=naming(*words, f"memoryspan span --run {tmp_path}")):
        asked_again(tmp_path, first, now, ALL)
    assert manifest.read(tmp_path) == first


def test_a_file_that_has_changed_is_another_question(tmp_path):
    asked = question(models=(MINE,))
    now = question(models=(LSTM, msgspec.structs.replace(MINE, sha256="cd34")))
    with pytest.raises(RunError, match=naming("models", "mine.py:build,width=3", "--run")):
        asked_again(tmp_path, manifest.write(tmp_path, asked), now, {cell.key for cell in asked.cells})


def test_only_what_is_missing_is_said_and_not_what_is_new(tmp_path):
    now = question(3, models=(MINE,))
    with pytest.raises(RunError, match=naming("models", "lstm,units=3")) as refused:
        asked_again(tmp_path, manifest.write(tmp_path, question()), now, ALL)
    assert "mine.py" not in str(refused.value)


@pytest.mark.parametrize(
    ("experiments", "seeds", "missing"),
    [(["echo/tutorial"], 2, "echo/book"), (["echo/book", "echo/tutorial"], 1, "seeds")],
)
def test_of_experiments_those_that_are_missing_are_said(tmp_path, experiments, seeds, missing):
    asked = trials([SUITE["echo/book"]], range(2))
    now = trials([SUITE[name] for name in experiments], range(seeds))
    with pytest.raises(RunError, match=naming(missing, f"memoryspan reproduce --run {tmp_path}")):
        asked_again(tmp_path, manifest.write(tmp_path, asked), now, {cell.key for cell in asked.cells})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 2, "memoryspan": "1"}'])
def test_a_damaged_one_is_said_to_be(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(RunError, match=naming(tmp_path / "manifest.json", "--run")):
        manifest.read(tmp_path)


def test_a_budget_that_makes_no_sense_is_damage(tmp_path):
    manifest.write(tmp_path, question())
    file = tmp_path / "manifest.json"
    file.write_bytes(file.read_bytes().replace(b'"examples": 64', b'"examples": -1'))
    with pytest.raises(RunError, match=naming(file, "examples", -1)):
        manifest.read(tmp_path)


def test_a_newer_format_is_left_to_a_newer_version(tmp_path):
    (tmp_path / "manifest.json").write_text('{"format": 99, "memoryspan": "9.1", "what": "ever"}')
    with pytest.raises(RunError, match=naming(tmp_path / "manifest.json", 99, "memoryspan 9.1")):
        manifest.read(tmp_path)


def test_no_sweep_is_no_sweep(tmp_path):
    with pytest.raises(RunError, match=naming(tmp_path / "none", "memoryspan span")):
        manifest.read(tmp_path / "none")
