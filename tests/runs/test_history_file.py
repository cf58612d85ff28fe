import math
from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan.errors import RunError
from memoryspan.runs.history_file import append, history, rewrite, up_to
from memoryspan.training import HistoryRow
from tests.messages import naming

ROW = HistoryRow(10, 320, 960, 0, 0.5, 3, 0.25, 4.5)
LATER = replace(ROW, updates=20)

counts, reals = st.integers(0, 2**53), st.floats(allow_nan=False, allow_infinity=False)
rows = st.lists(
    st.builds(HistoryRow, counts, counts, counts, counts, reals, counts, reals, reals),
    max_size=10,
    unique_by=lambda row: row.updates,
).map(lambda rows: sorted(rows, key=lambda row: row.updates))


@given(rows, st.integers(0, 10))
def test_what_is_written_is_read_to_the_bit(tmp_path_factory, rows, first):
    directory = tmp_path_factory.getbasetemp()
    rewrite(directory, rows[:first])
    for row in rows[first:]:
        append(directory, row)
    assert history(directory) == tuple(rows)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_json_all_the_same(tmp_path, loss):
    append(tmp_path, replace(ROW, loss=loss))
    assert '"loss":null' in (tmp_path / "history.jsonl").read_text()
    assert math.isnan(history(tmp_path)[0].loss)
    assert astuple(history(tmp_path)[0])[:-1] == astuple(ROW)[:-1]


@given(st.data())
def test_a_torn_last_line_is_not_there(tmp_path_factory, data):
    directory = tmp_path_factory.getbasetemp()
    rewrite(directory, [ROW, LATER])
    whole = (directory / "history.jsonl").read_bytes()
    torn = data.draw(st.integers(0, len(whole)))
    (directory / "history.jsonl").write_bytes(whole[:torn])
    assert history(directory) == (ROW, LATER)[: whole[:torn].count(b"\n")]


@pytest.mark.parametrize("damaged", [b'"updates":x', b'"upd\xffates":10', b'"updates":99', b'"updates":null', b"{"])
def test_a_damaged_line_is_named(tmp_path, damaged):
    rewrite(tmp_path, [replace(ROW, updates=1), ROW, LATER])
    path = tmp_path / "history.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"updates":10', damaged, 1))
    with pytest.raises(RunError, match=naming(path, "line 3" if b"99" in damaged else "line 2")):
        history(tmp_path)


def test_a_training_has_the_rows_up_to_its_own_which_may_be_torn():
    first, last = replace(ROW, updates=1), ROW
    assert up_to([first, last, LATER], last) == up_to([first], last) == [first, last]
    assert up_to([first], replace(ROW, updates=0)) == []


def test_without_a_file_there_is_none(tmp_path):
    assert history(tmp_path) == ()
