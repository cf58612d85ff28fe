import csv
import subprocess
import sys
from pathlib import Path

import pytest
from messages import names, naming
from tiny_sweep import answer, question

from memoryspan.errors import RunError
from memoryspan.named import Named
from memoryspan.spans.answer import Failure
from memoryspan.spans.sweep import begin, keep, missing, open_sweep, write_results

MINE = Named("mine.py:build", {}, "ab12")


@pytest.fixture
def begun(tmp_path) -> Path:
    """A sweep of three cells: the first answered, the second failed, the third missing."""
    with begin(tmp_path / "sweep", question(3)) as sweep:
        keep(sweep, answer(sweep.cells[0]))
        keep(sweep, answer(sweep.cells[1], found=None, failure=Failure("ValueError: no", "")))
    return tmp_path / "sweep"


def file_of(directory: Path, number: int) -> Path:
    return directory / "cells" / f"{question(3).cells[number].key}.json"


def test_a_new_one_misses_all_of_its_cells(tmp_path):
    with begin(tmp_path / "a" / "b", question(3)) as sweep:
        assert missing(sweep) == sweep.cells == question(3).cells
    assert missing(open_sweep(tmp_path / "a" / "b")) == question(3).cells


def test_without_a_directory_it_is_a_fresh_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("span-echo-delay-001", "span-echo-delay-002"):
        with begin(None, question(tasks=("echo", "delay"))) as sweep:
            assert sweep.directory == Path("runs") / name


@pytest.mark.parametrize("asked", [None, question(3)])
def test_what_is_kept_is_not_missing(begun, asked):
    with begin(begun, asked) as sweep:
        assert [cell.seed for cell in missing(sweep)] == [2]
        assert [cell.seed for cell in missing(sweep, retry_failed=True)] == [1, 2]
        assert sweep.notices == ()


def test_another_question_is_refused(begun):
    with pytest.raises(RunError, match=naming(begun, "seeds 1 2", "--run")), begin(begun, question(1)):
        pass
    assert open_sweep(begun).manifest.asked == question(3)


def test_it_grows_and_what_has_no_answer_can_be_taken_back(begun):
    with begin(begun, question(400)) as sweep:
        (notice,) = sweep.notices
        assert names(notice, 3, 400)
        assert [cell.seed for cell in missing(sweep)] == [*range(2, 400)]
        keep(sweep, answer(sweep.cells[3]))
    with begin(begun, question(4)) as sweep:
        (notice,) = sweep.notices
        assert names(notice, 400, 4)
        assert [cell.seed for cell in missing(sweep)] == [2]
    assert open_sweep(begun).manifest.asked == question(4)


def test_a_directory_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match=naming(tmp_path, "--run")):
        begin(tmp_path, question()).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_without_a_question_there_has_to_be_a_sweep(tmp_path):
    with pytest.raises(RunError, match=naming(tmp_path / "none" / "manifest.json")):
        begin(tmp_path / "none", None).__enter__()
    assert not (tmp_path / "none").exists()


def test_a_second_process_is_told_so(begun):
    with (
        begin(begun, None),
        pytest.raises(RunError, match=naming(begun, "--run")),
        begin(begun, None),
    ):
        pass
    with begin(begun, None):
        pass


@pytest.mark.parametrize("length", [0, 1, 200, -2])
def test_a_truncated_answer_is_missing_and_the_person_told(begun, length):
    file = file_of(begun, 0)
    file.write_bytes(file.read_bytes()[:length])
    with begin(begun, None) as sweep:
        assert [cell.seed for cell in missing(sweep)] == [0, 2]
        (notice,) = sweep.notices
        assert names(notice, file)
        keep(sweep, answer(sweep.cells[0]))
    assert [cell.seed for cell in missing(open_sweep(begun))] == [2]


def test_the_answer_to_another_cell_is_missing_and_the_person_told(begun):
    file_of(begun, 2).write_bytes(file_of(begun, 0).read_bytes())
    sweep = open_sweep(begun)
    assert [cell.seed for cell in missing(sweep)] == [2]
    assert names(sweep.notices[0], file_of(begun, 2))


def test_an_answer_of_a_newer_format_is_left_to_a_newer_version(begun):
    file_of(begun, 0).write_text('{"format": 99, "memoryspan": "9.1"}')
    with pytest.raises(RunError, match=naming(file_of(begun, 0), 99, "memoryspan 9.1")):
        open_sweep(begun)


def test_what_a_killed_process_left_half_written_is_removed(begun):
    half = begun / "cells" / ".writing-0123abcd-x.json"
    half.write_text("{")
    with begin(begun, None):
        assert not half.exists()


def test_strangers_have_to_be_named_by_a_person(tmp_path):
    asked = question(1, models=(MINE, Named("lstm")))
    with begin(tmp_path / "sweep", asked) as sweep:
        assert len(missing(sweep)) == 2
        keep(sweep, answer(sweep.cells[1]))
    with (
        begin(tmp_path / "sweep", None) as sweep,
        pytest.raises(RunError, match=naming(tmp_path / "sweep", "--model mine.py:build")),
    ):
        missing(sweep)
    with begin(tmp_path / "sweep", asked) as sweep:
        keep(sweep, answer(sweep.cells[0]))
    with begin(tmp_path / "sweep", None) as sweep:
        assert missing(sweep) == []


def test_the_results_are_a_row_a_cell(begun):
    sweep = open_sweep(begun)
    write_results(sweep)
    first, second = csv.DictReader((begun / "results.csv").read_text().splitlines())
    assert (first["task"], first["model"], first["seed"]) == ("echo,n_features=3", "lstm,units=3", "0")
    assert (first["learned_lag"], first["learned_at_least"], first["held_length"]) == ("0", "false", "")
    assert (first["ended"], first["tokens"], first["seconds"], first["error"]) == ("budget", "200", "0.5", "")
    assert (second["seed"], second["parameters"], second["error"]) == ("1", "", "ValueError: no")


def test_a_full_disk_is_explained(begun):
    sweep = open_sweep(begun)
    (begun / "cells").rename(begun / "gone")
    with pytest.raises(RunError, match=naming("No such file or directory", f"memoryspan span --run {begun}")):
        keep(sweep, answer(sweep.cells[2]))


def test_opening_one_imports_neither_jax_nor_keras(begun):
    code = "import sys; from memoryspan.spans.sweep import open_sweep; open_sweep(sys.argv[1]);"
    code += "assert not {'jax', 'keras', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(begun)], check=True)
