import msgspec
import pytest

from memoryspan.errors import TaskError
from memoryspan.stats import wilson
from memoryspan.training import Curriculum, TrainConfig, UniformLengths
from tests.messages import naming


def test_solved_is_claimed_on_a_thousand_fresh_examples():
    assert TrainConfig().required_correct == 1000
    assert TrainConfig(threshold=0.9).required_correct == min(n for n in range(1001) if wilson(n, 1000)[0] >= 0.9)


@pytest.mark.parametrize("schedule", [Curriculum(growth=1.5), UniformLengths(20)])
def test_the_schedule_is_stored_as_the_curriculum(schedule):
    stored = msgspec.to_builtins(TrainConfig(schedule=schedule))
    assert stored["curriculum"] == msgspec.to_builtins(schedule)
    assert msgspec.convert(stored, TrainConfig).schedule == schedule


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"seed": -1}, [0, 4294967295]),
        ({"seed": 2**32}, [0, 4294967295]),
        ({"schedule": 1.5}, ["Curriculum(growth=1.5)", "UniformLengths"]),
        ({"batch_size": 0}, [1]),
        ({"batch_size": 1.5}, [1]),
        ({"threshold": 0}, [0, 0.9962]),
        ({"threshold": 0.999}, [0, 0.9962]),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_what_is_allowed(settings, allowed):
    with pytest.raises(TaskError, match=naming(*settings, *settings.values(), *allowed)):
        TrainConfig(**settings)
