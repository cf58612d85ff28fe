import math

import pytest
from made_up import answer

from memoryspan.reproduce.compare import compare


def row(*answers):
    (only,) = compare(answers)
    return only


def ends(found):
    """Of the interval."""
    return found.spread.low, found.spread.high


def test_the_median_is_that_of_the_seeds_and_its_ratio_to_the_published_figure():
    found = row(*(answer("lstm-1997/adding-100", seed, n) for seed, n in enumerate((7400, 74_000, 14_800))))
    assert (found.seeds, found.solved, found.sequences) == (3, 3, 14_800)
    assert ends(found) == (7400, 74_000)
    assert found.ratio == pytest.approx(0.2)
    low, high = found.success or (0, 0)
    assert 0.4 < low < 1 == high


def test_a_seed_that_never_gets_there_needs_more_than_all_others():
    some = row(*(answer("lstm-1997/adding-100", seed, n) for seed, n in enumerate((7400, None, 14_800))))
    assert (some.solved, some.sequences, ends(some)) == (2, 14_800, (7400, math.inf))
    none = row(*(answer("lstm-1997/adding-100", seed, n) for seed, n in enumerate((7400, None))))
    assert (none.solved, none.sequences, none.ratio) == (1, math.inf, None)


def test_with_the_curriculum_and_without_are_two_rows():
    rows = compare([answer("echo/book", 0, 100), answer("echo/book", 0, None, curriculum=False)])
    assert [(each.curriculum, each.solved) for each in rows] == [(True, 1), (False, 0)]
    assert rows[0].ratio == 0.01


def test_nothing_is_compared_with_what_never_got_there():
    assert row(answer("echo/tutorial", 0, 5000)).ratio is None


def test_errors_are_in_no_figure():
    found = row(answer("echo/book", 0, 100), answer("echo/book", 1, 200, failed=True))
    assert (found.seeds, found.failures, found.sequences) == (1, 1, 100)
    nothing = row(answer("echo/book", 0, 100, failed=True))
    assert (nothing.seeds, nothing.sequences, nothing.ratio, nothing.success) == (0, None, None, None)


def test_an_experiment_of_another_version_is_shown_without_its_published_figure():
    found = row(answer("someone-2030/far", 0, 100))
    assert found.experiment is None
    assert (found.sequences, found.ratio) == (100, None)
