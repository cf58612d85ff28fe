from pathlib import Path

import pytest

from memoryspan.errors import RunError
from memoryspan.runs.directory import create_run_dir, discard
from tests.messages import naming


def test_without_a_directory_it_is_made_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert create_run_dir(None, "echo") == Path("runs/echo-001")
    assert (tmp_path / "runs/echo-001").is_dir()


def test_a_directory_with_something_in_it_is_left_alone_and_both_ways_out_are_named(tmp_path):
    (tmp_path / "run.json").write_bytes(b"mine")
    with pytest.raises(RunError, match=naming(f"memoryspan train --resume {tmp_path}", "--run")):
        create_run_dir(tmp_path, "echo")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("theirs", [["model.keras"], ["checkpoints", "thesis.tex"]])
def test_where_there_is_no_run_none_is_offered_to_go_on_with(tmp_path, theirs):
    for name in theirs:
        (tmp_path / name).touch()
    with pytest.raises(RunError, match=naming(tmp_path, "--run")) as refused:
        create_run_dir(tmp_path, "echo")
    assert "--resume" not in str(refused.value)
    assert all((tmp_path / name).exists() for name in theirs)


@pytest.mark.parametrize(
    "left", [["checkpoints"], ["checkpoints", "history.jsonl", "model.keras", ".writing-0-run.json"]]
)
def test_what_a_killed_start_has_left_may_go(tmp_path, left):
    for name in (".lock", *left):
        (tmp_path / name).touch()
    with pytest.raises(RunError, match=naming(tmp_path, "delete", "--run")) as refused:
        create_run_dir(tmp_path, "echo")
    assert "--resume" not in str(refused.value)


def test_an_empty_directory_and_one_where_a_run_never_began_will_do(tmp_path):
    assert create_run_dir(tmp_path, "echo") == tmp_path
    (tmp_path / ".lock").touch()
    (tmp_path / ".writing-0123abcd-run.json").touch()
    assert create_run_dir(tmp_path, "echo") == tmp_path
    assert create_run_dir(tmp_path / "a" / "b", "echo").is_dir()


def test_a_start_that_fails_removes_what_it_has_written_and_nothing_else(tmp_path):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    for name in (
        "checkpoints/000000000000.json",
        "history.jsonl",
        "model.keras",
        ".lock",
        ".writing-0123abcd-run.json",
    ):
        (run / name).write_text("ours")
    (run / "notes.txt").write_text("mine")
    discard(run)
    assert [path.name for path in run.iterdir()] == ["notes.txt"]
    (run / "notes.txt").unlink()
    discard(run)
    assert not run.exists()
