import csv
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from memoryspan.accuracy import AccuracyRecord
from memoryspan.environment import Environment
from memoryspan.errors import RunError
from memoryspan.spans.kind import SPAN
from memoryspan.spec import Spec
from memoryspan.sweeps.sweep import open_for_writing, pending, read_sweep, require_trusted, save, write_csv
from memoryspan.sweeps.trial import Failure, TrialResult
from memoryspan.training.budget import Budget
from tests.messages import names, naming
from tests.sweeps.tiny_sweep import LSTM, TINY, TinyConfig, TinyResult, config, result_of

MINE = Spec("mine.py:build", {"width": 3}, "ab12")


@pytest.fixture
def begun(tmp_path) -> Path:
    """A sweep of three trials: the first is complete, the second failed, the third is pending."""
    with open_for_writing(tmp_path / "sweep", SPAN, config(3)) as sweep:
        save(sweep, result_of(sweep.trials[0]))
        save(sweep, result_of(sweep.trials[1], result=None, failure=Failure("ValueError: no", "")))
    return tmp_path / "sweep"


def file_of(directory: Path, number: int) -> Path:
    return directory / "trials" / f"{config(3).trials[number].key}.json"


def seeds(trials) -> list[int]:
    return [trial.seed for trial in trials]


def test_in_a_new_one_all_trials_are_pending(tmp_path):
    with open_for_writing(tmp_path / "a" / "b", SPAN, config(3)) as sweep:
        assert pending(sweep) == sweep.trials == config(3).trials
    assert pending(read_sweep(tmp_path / "a" / "b", SPAN)) == config(3).trials


def test_trials_are_by_task_then_model_then_seed_each_once():
    of = config(2, ("echo", "delay", "echo"), (Spec("lstm"), MINE))
    names = [(trial.task.name, trial.model.name, trial.seed) for trial in of.trials]
    models = "lstm", "mine.py:build"
    assert names == [(task, model, seed) for task in ("echo", "delay") for model in models for seed in (0, 1)]


def test_without_a_directory_it_is_a_new_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("span-echo-delay-001", "span-echo-delay-002"):
        with open_for_writing(None, SPAN, config(tasks=("echo", "delay"))) as sweep:
            assert sweep.directory == Path("runs") / name


@pytest.mark.parametrize("given", [None, config(3)])
def test_what_is_saved_is_not_pending(begun, given):
    with open_for_writing(begun, SPAN, given) as sweep:
        assert seeds(pending(sweep)) == [2]
        assert seeds(pending(sweep, retry_failed=True)) == [1, 2]
        assert sweep.notices == ()


def test_each_result_is_read_once(begun):
    known = read_sweep(begun, SPAN)
    file_of(begun, 0).unlink()
    with open_for_writing(begun, SPAN, config(4), known) as sweep:
        assert seeds(pending(sweep)) == [2, 3]


def test_a_finished_sweep_is_read_by_several_at_once_and_while_another_process_holds_it(begun):
    with open_for_writing(begun, SPAN) as sweep:
        assert read_sweep(begun, SPAN).results == read_sweep(begun, SPAN).results == sweep.results


def test_a_sweep_of_another_kind_is_refused(begun):
    with pytest.raises(RunError, match="memoryspan span"):
        read_sweep(begun, TINY)
    with pytest.raises(RunError, match="memoryspan span"), open_for_writing(begun, TINY, TinyConfig((1,))):
        pass


def test_other_settings_are_refused_and_named(begun):
    before = (begun / "manifest.json").read_bytes()
    now = msgspec.structs.replace(config(3), seeds=(1,), max_length=8)
    with pytest.raises(RunError, match=r"\(without seeds 0 2\)"), open_for_writing(begun, SPAN, now):
        pass
    assert (begun / "manifest.json").read_bytes() == before


def test_it_grows_and_what_has_no_result_can_be_taken_back(begun):
    with open_for_writing(begun, SPAN, config(400)) as sweep:
        assert "3 trials to 400" in " ".join(sweep.notices)
        assert seeds(pending(sweep)) == [*range(2, 400)]
        save(sweep, result_of(sweep.trials[3]))
    with open_for_writing(begun, SPAN, config(4)) as sweep:
        assert "400 trials to 4" in " ".join(sweep.notices)
        assert seeds(pending(sweep)) == [2]
    assert read_sweep(begun, SPAN).manifest.config == config(4)


def test_settings_that_replace_others_are_reported(tmp_path):
    with open_for_writing(tmp_path, SPAN, config(1)):
        pass
    with open_for_writing(tmp_path, SPAN, config(1, ("delay",), (Spec("gru", {"units": 3}),))) as sweep:
        assert names(" ".join(sweep.notices), "echo,n_features=3", "delay,n_features=3", "lstm,units=3", "gru,units=3")
        assert seeds(pending(sweep)) == [0]


def test_a_failed_trial_stays_failed_under_larger_limits(begun):
    larger = msgspec.structs.replace(config(3), budget=Budget(examples=128))
    with open_for_writing(begun, SPAN, larger) as sweep:
        assert seeds(pending(sweep)) == [0, 2]  # the budget ended the first
        assert seeds(pending(sweep, retry_failed=True)) == [0, 1, 2]
        (failed,) = [found for found in sweep.completed if found.failure]
        assert (failed.trial, failed.failure) == (larger.trials[1], Failure("ValueError: no", ""))
        reasons = [notice for notice in sweep.notices if "limit" in notice]
        assert not names(" ".join(reasons), "seed 1")
        assert names(" ".join(sweep.notices), "--retry-failed: 1")


def test_smaller_limits_come_back_with_the_results_that_they_had(begun):
    before = read_sweep(begun, SPAN).results
    larger = msgspec.structs.replace(config(3), budget=Budget(examples=128))
    with open_for_writing(begun, SPAN, larger) as sweep:
        save(sweep, result_of(sweep.trials[0]))
    for _ in range(2):
        with open_for_writing(begun, SPAN, config(3)) as sweep:
            assert sweep.results == before
        with open_for_writing(begun, SPAN, larger) as sweep:
            assert seeds(sweep.trials[:2]) == seeds(found.trial for found in sweep.completed)


def test_smaller_limits_without_results_of_their_own_are_refused(begun):
    smaller = msgspec.structs.replace(config(3), budget=Budget(examples=32))
    words = naming("budget 64 examples → 32 examples")
    with pytest.raises(RunError, match=words), open_for_writing(begun, SPAN, smaller):
        pass


@pytest.mark.parametrize(
    "more",
    [{"seeds": (2, 1, 0)}, {"models": (MINE, LSTM)}, {"tasks": (Spec("delay"), Spec("echo", {"n_features": 3}))}],
)
def test_settings_with_more_in_them_keep_every_result(begun, more):
    before = read_sweep(begun, SPAN).results
    with open_for_writing(begun, SPAN, msgspec.structs.replace(config(3), **more)) as sweep:
        assert sweep.results == before


def test_a_directory_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match=naming(tmp_path, "--dir")):
        open_for_writing(tmp_path, SPAN, config()).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_without_settings_there_has_to_be_a_sweep(tmp_path):
    with pytest.raises(RunError, match=str(tmp_path / "none")):
        open_for_writing(tmp_path / "none", SPAN).__enter__()
    assert not (tmp_path / "none").exists()


def test_with_neither_settings_nor_a_directory_the_working_directory_is_the_sweep(begun, monkeypatch):
    monkeypatch.chdir(begun)
    with open_for_writing(None, SPAN) as sweep:
        assert sweep.directory.samefile(begun)
        assert seeds(pending(sweep)) == [2]


def test_a_second_process_that_would_write_is_refused(begun):
    with (
        open_for_writing(begun, SPAN),
        pytest.raises(RunError, match=naming(begun, "--dir")),
        open_for_writing(begun, SPAN),
    ):
        pass
    with open_for_writing(begun, SPAN):
        pass


@pytest.mark.parametrize("length", [0, 1, 200, -2])
def test_a_truncated_result_is_pending_and_reported(begun, length):
    file = file_of(begun, 0)
    file.write_bytes(file.read_bytes()[:length])
    with open_for_writing(begun, SPAN) as sweep:
        assert seeds(pending(sweep)) == [0, 2]
        (notice,) = sweep.notices
        assert str(file) in notice
        save(sweep, result_of(sweep.trials[0]))
    assert seeds(pending(read_sweep(begun, SPAN))) == [2]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.replace(b'"echo"', b'"\xffcho"'),  # no text
        lambda content: content.replace(b'"format": 3', b'"format": 7'),  # as if it were another version's
        lambda content: content.replace(b'"n_correct": 400', b'"n_correct": -40'),
        lambda content: content.replace(b'"examples": 1000', b'"examples": 0'),
    ],
)
def test_a_damaged_result_is_pending_and_the_others_are_read(begun, damage):
    path = begun / "trials" / f"{config(3).trials[0].key}.json"
    with open_for_writing(begun, SPAN) as sweep:
        measured = AccuracyRecord(400, 1000, 4, 0.3, 0.4, (0.3, 0.5))
        found = sweep.completed[0]
        assert found.result is not None
        save(sweep, msgspec.structs.replace(found, result=msgspec.structs.replace(found.result, curve=(measured,))))
    content = damage(path.read_bytes())
    assert content != path.read_bytes()
    path.write_bytes(content)
    sweep = read_sweep(begun, SPAN)
    assert seeds(pending(sweep)) == [0, 2]
    assert names("\n".join(sweep.notices), path)


def test_a_result_that_cannot_be_read_is_pending_and_reported(begun):
    path = begun / "trials" / f"{config(3).trials[0].key}.json"
    path.unlink()
    path.mkdir()
    sweep = read_sweep(begun, SPAN)
    assert seeds(pending(sweep)) == [0, 2]
    assert names("\n".join(sweep.notices), path)


def test_the_result_of_another_trial_is_pending_and_reported(begun):
    file_of(begun, 2).write_bytes(file_of(begun, 0).read_bytes())
    sweep = read_sweep(begun, SPAN)
    assert seeds(pending(sweep)) == [2]
    assert str(file_of(begun, 2)) in sweep.notices[0]


def test_a_sweep_of_another_format_is_left_to_its_version(begun):
    (begun / "manifest.json").write_text('{"format": 99, "memoryspan": "9.1"}')
    with pytest.raises(RunError, match=naming(99, "9.1")):
        read_sweep(begun, SPAN)


def test_what_a_killed_process_left_half_written_is_removed(begun):
    half = begun / "trials" / ".writing-0123abcd-x.json"
    half.write_text("{")
    with open_for_writing(begun, SPAN):
        assert not half.exists()


def test_user_code_has_to_be_named_by_a_person(tmp_path):
    with_mine = config(1, models=(MINE, Spec("lstm")))
    with open_for_writing(tmp_path / "sweep", SPAN, with_mine) as sweep:
        require_trusted(sweep, pending(sweep))
        save(sweep, result_of(sweep.trials[1]))
    with (
        open_for_writing(tmp_path / "sweep", SPAN) as sweep,
        pytest.raises(RunError, match=re.escape("--model mine.py:build")),
    ):
        require_trusted(sweep, pending(sweep))
    with open_for_writing(tmp_path / "sweep", SPAN, with_mine) as sweep:
        save(sweep, result_of(sweep.trials[0]))
    with open_for_writing(tmp_path / "sweep", SPAN) as sweep:
        require_trusted(sweep, pending(sweep))
        assert pending(sweep) == []


def test_the_csv_has_a_row_for_each_result(begun):
    write_csv(read_sweep(begun, SPAN))
    first, second = csv.DictReader((begun / "results.csv").read_text().splitlines())
    assert (first["task"], first["model"], first["seed"]) == ("echo,n_features=3", "lstm,units=3", "0")
    assert (first["learned_lag"], first["learned_at_least"], first["held_length"]) == ("0", "false", "")
    assert (first["ended"], first["tokens"], first["seconds"], first["error"]) == ("budget", "200", "0.5", "")
    assert (second["seed"], second["parameters"], second["error"]) == ("1", "", "ValueError: no")


@pytest.mark.parametrize(
    "name", ["=cmd.py:build", "+cmd.py:build", "-cmd.py:build", "@cmd.py:build", "\x1b[2J.py:build"]
)
def test_a_spreadsheet_computes_nothing_of_the_csv(tmp_path, name):
    with open_for_writing(tmp_path / "sweep", SPAN, config(models=(Spec(name),))) as sweep:
        save(sweep, result_of(sweep.trials[0], result=None, failure=Failure("=1+1", "")))
        write_csv(sweep)
    (row,) = csv.DictReader((tmp_path / "sweep" / "results.csv").read_text().splitlines())
    assert row["model"] == (r"\x1b[2J.py:build" if name[0] == "\x1b" else f"'{name}")
    assert row["error"] == "'=1+1"


def test_numbers_in_the_csv_stay_numbers(tmp_path):
    with open_for_writing(tmp_path / "sweep", TINY, TinyConfig((-3,))) as sweep:
        save(
            sweep,
            TrialResult(
                memoryspan="1", trial=sweep.trials[0], environment=Environment("cpu", {}, None), result=TinyResult(9)
            ),
        )
        write_csv(sweep)
    (row,) = csv.DictReader((tmp_path / "sweep" / "results.csv").read_text().splitlines())
    assert (row["number"], row["square"]) == ("-3", "9")


def test_a_full_disk_is_explained(begun):
    sweep = read_sweep(begun, SPAN)
    (begun / "trials").rename(begun / "gone")
    (begun / "trials").write_text("in the way")
    with pytest.raises(RunError, match="memoryspan span --dir"):
        save(sweep, result_of(sweep.trials[2]))


def test_reading_one_imports_neither_jax_nor_keras(begun):
    code = "import sys; from memoryspan.spans.kind import SPAN; from memoryspan.sweeps.sweep import read_sweep\n"
    code += "read_sweep(sys.argv[1], SPAN)\nassert not {'jax', 'keras', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(begun)], check=True)
