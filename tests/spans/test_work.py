import hashlib
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import names, naming
from tiny_sweep import question

from memoryspan import __version__
from memoryspan.engine import native_version
from memoryspan.errors import RunError, StrangerError
from memoryspan.named import Named
from memoryspan.runs.environment import NATIVE
from memoryspan.spans import work
from memoryspan.spans.work import Work, groups, pack, run_group, unpack

PICKY = """
from memoryspan.models import lstm

def build(task, seed=0):
    if seed == 1:
        raise ValueError("not that one")
    return lstm(task, units=3, seed=seed)
"""


@pytest.fixture
def picky(tmp_path, monkeypatch) -> Named:
    """A stranger's model, which does not like one of the seeds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picky.py").write_text(PICKY)
    return Named("picky.py:build", sha256=hashlib.sha256(PICKY.encode()).hexdigest())


def answered(cells, send_files=False) -> list:
    return unpack(run_group(pack(cells, send_files)))


kinds = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), unique=True, min_size=1)


@given(kinds, st.integers(1, 40))
def test_groups_hold_each_cell_once_and_differ_in_their_seed_alone(kinds, workers):
    cells = [msgspec.structs.replace(question(1).cells[0], model=Named(name), seed=seed) for name, seed in kinds]
    made = groups(cells, workers)
    assert Counter(cell.key for group in made for cell in group) == Counter(cell.key for cell in cells)
    assert all(len({cell.model.name for cell in group}) == 1 for group in made)
    assert made == groups(cells, workers)
    models = len({cell.model.name for cell in cells})
    assert len(made) == max(models, min(workers, len(cells)))


@pytest.mark.parametrize(
    ("models", "seeds", "workers", "sizes"),
    [(3, 5, 2, [5, 5, 5]), (1, 5, 2, [2, 3]), (2, 5, 4, [2, 3, 2, 3]), (1, 3, 8, [1, 1, 1]), (2, 4, 3, [2, 2, 4])],
)
def test_all_workers_have_something_to_do(models, seeds, workers, sizes):
    asked = question(seeds, models=[Named("lstm", {"units": units}) for units in range(1, models + 1)])
    assert [len(group) for group in groups(asked.cells, workers)] == sizes


def test_no_cells_make_no_groups():
    assert groups([], 4) == []


def test_an_answer_says_where_it_was_found():
    cells = question(2).cells
    first, second = answered(cells)
    assert (first.cell, second.cell) == tuple(cells)
    assert first.found is not None
    assert first.found.examples >= 64
    assert first.failure is None
    native = {NATIVE} if native_version() else set()
    assert set(first.environment.packages) == {"python", "jax", "jaxlib", "keras", "numpy"} | native


def test_one_bad_seed_does_not_take_the_others_along(picky):
    answers = answered(question(3, models=(picky,)).cells)
    assert [answer.failure is None for answer in answers] == [True, False, True]
    failure = answers[1].failure
    assert failure is not None
    assert names(failure.error, "picky.py", "line 6", "build", "ValueError: not that one")
    assert "Traceback" in failure.traceback


def test_a_strangers_file_is_sent_to_a_worker_that_has_it_not(picky, tmp_path, monkeypatch):
    package = pack(question(2, models=(picky,)).cells, send_files=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    well, ill = unpack(run_group(package))
    assert well.found is not None
    assert well.cell.model == picky
    assert ill.failure is not None
    assert names(ill.failure.error, "picky.py", "line 6", "build", "ValueError: not that one")


def test_a_file_that_has_changed_since_it_was_asked_for_is_not_run(picky, tmp_path):
    other = msgspec.structs.replace(picky, sha256="ab12")
    (answer,) = answered(question(1, models=(other,)).cells)
    assert answer.failure is not None
    assert names(answer.failure.error, "picky.py:build", "--run")
    with pytest.raises(StrangerError, match=naming("picky.py:build", "--run")):
        pack(question(1, models=(other,)).cells, send_files=True)


def test_what_is_sent_is_what_was_checked_whatever_becomes_of_the_file(picky, tmp_path):
    cells = question(2, models=(picky,)).cells
    package = pack(cells, send_files=True)
    (tmp_path / "picky.py").write_text("other = 1\n")
    assert pack(cells, send_files=True) == package


def test_what_arrives_is_checked(picky, tmp_path, monkeypatch):
    sent = msgspec.json.decode(pack(question(1, models=(picky,)).cells, send_files=True), type=Work)
    damaged = msgspec.structs.replace(sent, files={"picky.py": b"other = 1"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (answer,) = unpack(run_group(msgspec.json.encode(damaged)))
    assert answer.failure is not None
    assert names(answer.failure.error, "picky.py", "--retry-failed")


def test_a_file_that_has_gone_is_missed_in_a_sentence(tmp_path):
    gone = Named(f"{tmp_path}/gone.py:build", sha256="ab12")
    with pytest.raises(StrangerError, match=naming(tmp_path / "gone.py", "No such file or directory", "--run")):
        pack(question(1, models=(gone,)).cells, send_files=True)


def test_a_worker_with_other_versions_refuses(monkeypatch):
    package = pack(question(1).cells, send_files=False)
    monkeypatch.setitem(work.versions.__globals__, "__version__", "0.0.1")
    with pytest.raises(RunError, match=naming("memoryspan 0.0.1", __version__)):
        run_group(package)
