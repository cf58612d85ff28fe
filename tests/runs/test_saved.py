import shutil
import sys

import msgspec
import numpy as np
import pytest

from memoryspan import Budget
from memoryspan.errors import RunError
from memoryspan.runs import Run, record
from memoryspan.spec import Spec
from memoryspan.tasks import TASKS
from tests.messages import naming

from .small import SETTINGS, TASK


def changed(directory, **asked):
    """The run with something else in its record."""
    now = record.read(directory)
    record.write(directory, msgspec.structs.replace(now, config=msgspec.structs.replace(now.config, **asked)))
    return Run.load(directory)


def test_a_run_says_what_it_was(reference):
    run = Run.load(str(reference))
    assert run.record.status == "budget"
    assert run.task == TASK
    assert run.config == SETTINGS
    assert len(run.history()) == 40
    assert run.record.results is not None
    assert run.history()[-1].examples == run.record.results.examples == 12_800


def test_a_run_that_is_going_on_shows_the_model_of_its_newest_checkpoint(reference, run):
    now = record.read(run)
    record.write(run, msgspec.structs.replace(now, status="unfinished", results=None))
    shutil.copy(run / "model.keras", run / "end.keras")
    X = np.eye(10, dtype="float32")[None, [3, 1, 4, 1, 5]]
    expected = Run.load(reference).model().predict(X, verbose=0)  # pyright: ignore[reportArgumentType]
    assert np.array_equal(Run.load(run).model().predict(X, verbose=0), expected)  # pyright: ignore[reportArgumentType]


def test_reading_needs_no_lock_and_changes_nothing(run):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    saved = Run.load(run)
    _ = saved.model(), saved.history(), saved.task, saved.config
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


@pytest.mark.parametrize("name", ["chess", "os", "memoryspan.tasks.Echo"])
def test_a_task_that_the_package_does_not_know_is_not_looked_for_elsewhere(run, name, monkeypatch):
    before = set(sys.modules)
    with pytest.raises(RunError, match=naming(run, repr(name), *TASKS)):
        _ = changed(run, task=Spec(name, {})).task
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"length": 8, "bits": 2}, ["bits", "'echo'"]),
        ({"length": "8"}, ["run.json", "length", "int", "str"]),
        ({"length": 0}, ["run.json", "length", 0, 1]),
    ],
)
def test_settings_of_a_task_that_make_no_sense_are_refused(run, settings, words):
    with pytest.raises(RunError, match=naming(*words)):
        _ = changed(run, task=Spec("echo", settings)).task


def test_settings_of_a_training_that_make_no_sense_are_refused(run):
    with pytest.raises(RunError, match=naming("run.json", "threshold", 2.0, 0.9962)):
        _ = changed(run, training={"threshold": 2.0}).config


def test_settings_that_are_not_there_are_the_default_ones(run):
    assert changed(run, training={"budget": {"examples": 7}}).config.budget == Budget(examples=7)
