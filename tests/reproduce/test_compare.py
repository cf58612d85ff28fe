import json
import math

import pytest

from memoryspan.reproduce.compare import as_json, compare
from tests.reproduce.made_up import answer


def row(*answers):
    (only,) = compare(answers)
    return only


def ends(found):
    """Of the interval."""
    return found.spread.low, found.spread.high


def test_the_median_is_that_of_the_seeds_and_its_ratio_to_the_published_figure():
    found = row(*(answer("lstm-1997/long-lag-2b", seed, n) for seed, n in enumerate((568, 5680, 1136))))
    assert (found.seeds, found.solved, found.sequences) == (3, 3, 1136)
    assert ends(found) == (568, 5680)
    assert found.ratio == pytest.approx(0.2)


def test_where_the_published_number_counts_the_run_ours_does_as_well():
    assert row(answer("lstm-1997/adding-100", 0, 10_000)).sequences == 10_000 + 1000  # in a row, of that trial


def test_a_seed_that_never_gets_there_needs_more_than_all_others():
    some = row(*(answer("echo/book", seed, n) for seed, n in enumerate((7400, None, 14_800))))
    assert (some.solved, some.sequences, ends(some)) == (2, 14_800, (7400, math.inf))
    none = row(*(answer("echo/book", seed, n) for seed, n in enumerate((7400, None))))
    assert (none.solved, none.sequences, none.ratio) == (1, math.inf, None)
    assert json.loads(json.dumps(as_json(none), allow_nan=False))["sequences"] is None
    assert as_json(none)["spread"] == {"low": 7400, "high": None, "at_least": False, "confidence": 0.5}


def test_with_the_curriculum_and_without_are_two_rows():
    rows = compare([answer("echo/book", 0, 100), answer("echo/book", 0, None, curriculum=False)])
    assert [(each.trial.curriculum, each.solved) for each in rows] == [(True, 1), (False, 0)]


@pytest.mark.parametrize("name", ["echo/tutorial", "echo/book"])
def test_there_is_no_ratio_to_sequences_that_met_no_criterion(name):
    found = row(answer(name, 0, 5000))
    assert (found.published, found.ratio) == (None, None)


def test_errors_are_in_no_figure():
    found = row(answer("echo/book", 0, 100), answer("echo/book", 1, 200, failed=True))
    assert (found.seeds, found.failures, found.sequences) == (1, 1, 100)
    nothing = row(answer("echo/book", 0, 100, failed=True))
    assert (nothing.seeds, nothing.sequences, nothing.ratio) == (0, None, None)


def test_an_experiment_of_another_version_is_shown_without_its_published_figure():
    found = row(answer("someone-2030/far", 0, 100))
    assert found.experiment is None
    assert (found.sequences, found.ratio) == (100, None)
