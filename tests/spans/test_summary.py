import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan.spans.summary import median, summarise
from memoryspan.spans.trial import Span
from memoryspan.spec import Spec
from memoryspan.stats import Interval, interval
from memoryspan.sweeps.trial import Failure
from tests.sweeps.tiny_sweep import LSTM, config, result_of


def spans(*lengths, ceilings=()):
    return [Span(length, length, number in ceilings) for number, length in enumerate(lengths)]


def results(lengths, model=LSTM):
    trials = config(len(lengths), models=(model,)).trials
    return [result_of(trial, length) for trial, length in zip(trials, lengths, strict=True)]


def test_a_row_for_each_model_on_each_task():
    other = Spec("lstm", {"units": 9})
    rows = summarise([*results([5, 9]), *results([7], other), *results([7])])
    assert [(row.task.name, row.model, row.seeds) for row in rows] == [("echo", LSTM, 3), ("echo", other, 1)]
    assert rows[0].learned is not None
    assert rows[0].learned.value == 7
    assert rows[0].parameters == 9


def test_two_files_of_one_name_are_two_models():
    files = [Spec("mine.py:build", sha256=sha256) for sha256 in ("ab", "cd")]
    assert len(summarise([each for file in files for each in results([3], file)])) == 2


def test_a_failure_is_counted_and_in_no_median():
    first, *others = results([4, 6, 6])
    failed = result_of(first.trial, result=None, failure=Failure("ValueError: no", ""))
    (row,) = summarise([failed, *others])
    assert (row.seeds, row.failures) == (2, 1)
    assert row.learned is not None
    assert row.learned.value == 6
    (row,) = summarise([failed])
    assert (row.seeds, row.failures, row.learned, row.chance, row.parameters) == (0, 1, None, None, None)


def test_a_seed_without_a_span_counts_as_nothing():
    (row,) = summarise(results([3, 3, 3]))
    assert (row.never_learned, row.never_held) == (0, 3)
    found = median(spans(None, 40, None))
    assert found is not None
    assert (found.value, found.interval) == (0, Interval(0, 40, False, 0.75))


@pytest.mark.parametrize(
    ("lengths", "ceilings", "value", "at_least"),
    [
        ((10, 20, 30), (), 20, False),
        ((10, 20, 30), (1,), 20, True),
        ((10, 20, 30), (2,), 20, False),
        ((10, 20, 30), (0,), 20, True),  # with a larger budget that seed might have come to 40
        ((10, 20, 20, 30), (2,), 20, True),
        ((10, 20, 40, 50), (2,), 30, True),
        ((10, 20, 40, 50), (3,), 30, False),
    ],
)
def test_a_median_is_a_ceiling_where_a_seed_at_or_below_it_is(lengths, ceilings, value, at_least):
    found = median(spans(*lengths, ceilings=ceilings))
    assert found is not None
    assert (found.value, found.at_least) == (value, at_least)


def test_a_lag_has_a_median_of_its_own():
    found = median([Span(10, 8, False), Span(20, 18, False), Span(30, 28, False)], lag=True)
    assert found is not None
    assert found.value == 18


def test_a_single_seed_says_nothing_about_others():
    assert interval(np.array([7])) is None


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_the_range_of_few_seeds_holds_the_median_as_often_as_it_says(count):
    draws = np.random.default_rng(0).random((20_000, count))
    within = ((draws.min(1) <= 0.5) & (draws.max(1) >= 0.5)).mean()
    found = interval(draws[0])
    assert found is not None
    assert found.confidence == pytest.approx(within, abs=0.01)


def test_the_interval_of_many_seeds_holds_the_median_about_as_often_as_it_says():
    draws = np.random.default_rng(0).random((200, 15))
    found = [interval(values) for values in draws]
    within = [each.low <= 0.5 <= each.high for each in found if each]
    assert 0.9 <= np.mean(within) <= 0.99


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12))
def test_the_interval_lies_around_the_median_and_is_the_same_each_time(values):
    found = interval(np.array(values))
    assert found == interval(np.array(values))
    assert found is not None
    assert min(values) <= found.low <= np.median(values) <= found.high <= max(values)
