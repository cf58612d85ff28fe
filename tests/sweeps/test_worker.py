import hashlib
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan import user_files
from memoryspan.engine import native_target
from memoryspan.environment import NATIVE
from memoryspan.errors import RunError, UserCodeError
from memoryspan.spans.kind import SPAN
from memoryspan.spec import Spec
from memoryspan.sweeps.client import groups, pack, unpack
from memoryspan.sweeps.worker import Work, run_group
from tests.messages import names
from tests.sweeps.tiny_sweep import config

PICKY = """
from memoryspan.models import lstm

def build(task, seed=0):
    if seed == 1:
        raise ValueError("not that one")
    return lstm(task, units=3, seed=seed)
"""

IMPORTS_A_NEIGHBOUR = """
from units_beside import UNITS
from memoryspan.models import lstm

def build(task, seed=0):
    return lstm(task, units=UNITS, seed=seed)
"""


@pytest.fixture
def picky(tmp_path, monkeypatch) -> Spec:
    """A model of a person's own, which refuses one of the seeds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picky.py").write_text(PICKY)
    return Spec("picky.py:build", sha256=hashlib.sha256(PICKY.encode()).hexdigest())


def results(trials, send_files=False) -> list:
    return unpack(SPAN, run_group(SPAN, pack(trials, send_files)))


seeded = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), unique=True, min_size=1)


@given(seeded, st.integers(1, 40))
def test_groups_hold_each_trial_once_and_differ_in_their_seed_alone(seeded, workers):
    trials = [msgspec.structs.replace(config(1).trials[0], model=Spec(name), seed=seed) for name, seed in seeded]
    made = groups(trials, workers)
    assert Counter(trial.key for group in made for trial in group) == Counter(trial.key for trial in trials)
    assert all(len({trial.model.name for trial in group}) == 1 for group in made)
    assert made == groups(trials, workers)
    models = len({trial.model.name for trial in trials})
    assert len(made) == max(models, min(workers, len(trials)))


@pytest.mark.parametrize(
    ("models", "seeds", "workers", "sizes"),
    [(3, 5, 2, [5, 5, 5]), (1, 5, 2, [2, 3]), (2, 5, 4, [2, 3, 2, 3]), (1, 3, 8, [1, 1, 1]), (2, 4, 3, [2, 2, 4])],
)
def test_all_workers_have_something_to_do(models, seeds, workers, sizes):
    of = config(seeds, models=[Spec("lstm", {"units": units}) for units in range(1, models + 1)])
    assert [len(group) for group in groups(of.trials, workers)] == sizes


def test_no_trials_make_no_groups():
    assert groups([], 4) == []


def test_a_result_says_where_it_was_found():
    trials = config(2).trials
    first, second = results(trials)
    assert (first.trial, second.trial) == tuple(trials)
    assert first.result.examples >= 64
    assert first.failure is None
    native = {NATIVE} if native_target() else set()
    assert set(first.environment.packages) == {"python", "jax", "jaxlib", "keras", "numpy"} | native


def test_one_bad_seed_does_not_fail_the_others(picky):
    found = results(config(3, models=(picky,)).trials)
    assert [each.failure is None for each in found] == [True, False, True]
    assert "picky.py" in found[1].failure.error
    assert "not that one" in found[1].failure.error
    assert "Traceback" in found[1].failure.traceback


def test_a_file_of_user_code_is_sent_to_a_worker_that_lacks_it(picky, tmp_path, monkeypatch):
    package = pack(config(2, models=(picky,)).trials, send_files=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    good, bad = unpack(SPAN, run_group(SPAN, package))
    assert good.result is not None
    assert good.trial.model == picky
    assert bad.failure is not None
    assert "picky.py" in bad.failure.error


def test_a_file_that_a_worker_has_too_is_used_there_with_what_lies_beside_it(tmp_path):
    (tmp_path / "units_beside.py").write_text("UNITS = 3\n")
    (tmp_path / "mine.py").write_text(IMPORTS_A_NEIGHBOUR)
    mine = Spec(f"{tmp_path}/mine.py:build", sha256=user_files.digest(user_files.sources(tmp_path / "mine.py")))
    (found,) = results(config(1, models=(mine,)).trials, send_files=True)
    assert found.failure is None
    assert found.trial.model == mine


def test_a_file_of_user_code_is_sent_with_the_files_beside_it_that_it_imports(tmp_path, monkeypatch):
    (tmp_path / "units_sent.py").write_text("UNITS = 3\n")
    (tmp_path / "mine.py").write_text(IMPORTS_A_NEIGHBOUR.replace("units_beside", "units_sent"))
    mine = Spec("mine.py:build", sha256=user_files.digest(user_files.sources(tmp_path / "mine.py")))
    monkeypatch.chdir(tmp_path)
    work = pack(config(1, models=(mine,)).trials, send_files=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (found,) = unpack(SPAN, run_group(SPAN, work))
    assert found.failure is None
    assert found.trial.model == mine


def test_a_worker_uses_what_it_is_sent_where_it_has_imported_an_older_file(picky, tmp_path):
    (small,) = results(config(1, models=(picky,)).trials, send_files=True)
    wider = PICKY.replace("units=3", "units=4")
    (tmp_path / "picky.py").write_text(wider)
    now = msgspec.structs.replace(picky, sha256=hashlib.sha256(wider.encode()).hexdigest())
    (large,) = results(config(1, models=(now,)).trials, send_files=True)
    assert large.result.parameters > small.result.parameters


def test_a_file_that_has_changed_is_not_run(picky, tmp_path):
    other = msgspec.structs.replace(picky, sha256="ab12")
    (found,) = results(config(1, models=(other,)).trials)
    assert "picky.py:build" in found.failure.error
    with pytest.raises(UserCodeError, match=r"picky\.py"):
        pack(config(1, models=(other,)).trials, send_files=True)


def test_what_is_sent_is_what_was_checked_whatever_becomes_of_the_file(picky, tmp_path):
    trials = config(2, models=(picky,)).trials
    package = pack(trials, send_files=True)
    (tmp_path / "picky.py").write_text("other = 1\n")
    assert pack(trials, send_files=True) == package


def test_what_arrives_is_checked(picky, tmp_path, monkeypatch):
    sent = msgspec.json.decode(pack(config(1, models=(picky,)).trials, send_files=True), type=Work)
    damaged = msgspec.structs.replace(sent, files={"picky.py": {"picky.py": b"other = 1"}})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (found,) = unpack(SPAN, run_group(SPAN, msgspec.json.encode(damaged)))
    assert found.failure is not None
    assert names(found.failure.error, "picky.py", "--retry-failed")


def test_a_file_that_has_gone_is_reported(tmp_path):
    gone = Spec(f"{tmp_path}/gone.py:build", sha256="ab12")
    with pytest.raises(UserCodeError, match=r"gone\.py.*No such file"):
        pack(config(1, models=(gone,)).trials, send_files=True)


def test_a_worker_with_other_versions_refuses():
    work = msgspec.json.decode(pack(config(1).trials, send_files=False), type=Work)
    newer = msgspec.structs.replace(work, versions=work.versions | {"memoryspan": "9.9.9"})
    with pytest.raises(RunError, match=r"memoryspan .* \(here 9\.9\.9\)"):
        run_group(SPAN, msgspec.json.encode(newer))
