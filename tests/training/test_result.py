import re

import pytest

from memoryspan import Accuracy, Result, Status
from memoryspan.training import HistoryRow
from tests.messages import names


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_sentence_for_a_person(status):
    assert status.message.endswith(".")
    assert [other for other in Status if other.message == status.message] == [status]


@pytest.mark.parametrize("status", Status)
def test_a_status_is_written_and_read_as_its_word(status):
    assert Status(str(status)) is status
    assert str(status) == status.value
    assert status.value not in {"", status.message}


def result(status, accuracy=None, history=()):
    return Result(status, accuracy, history, "unroll")


def test_only_a_solved_one_is_solved():
    assert [result(status).solved for status in Status] == [status is Status.SOLVED for status in Status]


def test_it_reads_as_sentence_accuracy_and_cost():
    history = (HistoryRow.first(3), HistoryRow(300, 9600, 100_000, 0, 0.361, 50, 0.99, 0.1))
    sentence, accuracy, cost = str(result(Status.SOLVED, Accuracy(1000, 1000, 50, 0.01), history)).splitlines()
    assert sentence == Status.SOLVED.message
    assert names(accuracy, "100.0 %", "1000 of 1000", "95 %", "99.6 %", "1.0 %")
    assert names(cost, "300 updates", "9,600 examples", "0.36 s")


def test_it_reads_well_before_the_first_update():
    *_, cost = str(result(Status.INTERRUPTED)).splitlines()
    assert names(cost, "0 updates", "0 examples", "0.00 s")


def test_in_a_notebook_it_is_a_table_that_says_the_same():
    history = (HistoryRow.first(3), HistoryRow(300, 9600, 100_000, 0, 0.361, 50, 0.99, 0.1))
    solved = result(Status.SOLVED, Accuracy(1000, 1000, 50, 0.01), history)
    said = re.sub("<.*?>", "", solved._repr_html_())
    for part in (Status.SOLVED.message, str(solved.accuracy), str(solved).splitlines()[-1]):
        assert part in said
    assert "%" not in result(Status.INTERRUPTED)._repr_html_()


def test_its_history_is_not_printed_where_nobody_asked_for_it():
    assert "Row" not in repr(result(Status.INTERRUPTED, history=(HistoryRow.first(3),)))


def test_a_row_says_first_what_matters_most():
    row = HistoryRow(300, 9600, 100_000, 0, 0.4, 1000, 0.99, 0.1)
    parts = "1,000", "99.0 %", "300 updates", "9,600 examples", "24,000/s", "0.4 s"
    places = [str(row).index(part) for part in parts]
    assert places == sorted(places)
    assert str(HistoryRow.first(3)).endswith("0/s, 0.0 s")
