import numpy as np
import pytest

from memoryspan.reproduce.criterion import is_met, root_mean_square
from memoryspan.reproduce.trial import Criterion

ADDING = Criterion(n_consecutive=4, max_abs_error=0.04, max_rms_error=0.02)


def met(criterion, errors, wrong=None):
    return is_met(criterion, np.array(errors), np.zeros(len(errors), bool) if wrong is None else np.array(wrong))


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([], False),
        ([0.01] * 3, False),  # too few
        ([0.01] * 4, True),
        ([0.01, 0.01, 0.04, 0.01], False),  # below, and not at
        ([0.9, 0.9, 0.01, 0.01, 0.01, 0.01], True),  # the last ones count
        ([0.01, 0.01, 0.01, 0.01, 0.9], False),
        ([0.9, 0.01, 0.01, 0.01], False),  # the run has begun anew
        ([0.03] * 4, False),  # each is right, and they are not precise enough together
        ([0.039, 0.0, 0.0, 0.0], True),
        ([0.01, 0.01, 0.01, np.nan], False),
        ([0.01, 0.01, 0.01, np.inf], False),
    ],
)
def test_so_many_in_a_row_have_to_be_right_and_precise(errors, expected):
    assert met(ADDING, errors) is expected


def test_without_a_bound_of_its_own_the_task_judges():
    criterion = Criterion(n_consecutive=3)
    assert met(criterion, [0.9] * 3, [False] * 3)
    assert not met(criterion, [0.0] * 3, [False, True, False])
    assert met(criterion, [0.0] * 4, [True, False, False, False])


def test_a_few_mistakes_may_be_allowed():
    criterion = Criterion(n_consecutive=20, max_mistakes=1)
    assert criterion.required_accuracy == 0.95
    assert met(criterion, [0.0] * 20, [True] + [False] * 19)
    assert not met(criterion, [0.0] * 20, [True] * 2 + [False] * 18)


def test_the_mean_of_the_sizes_is_at_most_the_root_mean_square():
    errors = np.random.default_rng(0).exponential(size=100)
    assert errors.mean() <= root_mean_square(errors) == pytest.approx(np.sqrt((errors**2).mean()))
