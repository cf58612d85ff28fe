import pytest

from memoryspan.errors import TaskError
from memoryspan.stats import wilson
from memoryspan.training import TrainConfig


def test_solved_is_claimed_on_a_thousand_fresh_examples():
    assert TrainConfig().required_correct == 1000
    assert TrainConfig(threshold=0.9).required_correct == min(n for n in range(1001) if wilson(n, 1000)[0] >= 0.9)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": 2**32}, "seed must be a whole number from 0 to 4294967295"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        ({"batch_size": 1.5}, "batch_size must be a whole number"),
        ({"threshold": 0}, "threshold must be above 0 and at most 0.9962"),
        ({"threshold": 0.999}, "threshold must be above 0 and at most 0.9962"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_a_sentence(settings, sentence):
    with pytest.raises(TaskError, match=sentence):
        TrainConfig(**settings)
