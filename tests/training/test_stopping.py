import jax
import pytest

from memoryspan import Echo, lstm
from memoryspan.accuracy import Accuracy
from memoryspan.engine import forward
from memoryspan.training import TrainConfig
from memoryspan.training.snapshot import initial_snapshot
from memoryspan.training.stopping import confirm_on_two_samples

TASK = Echo(8, 6, 1)


@pytest.mark.parametrize("finds", [(True, True), (True, False), (False, True)])
def test_two_looks_in_a_row_with_examples_of_their_own_decide(finds):
    keys, answers = [], iter(finds)

    def look(position, settings, key):
        keys.append(key)
        return Accuracy(900 + len(keys), 1000, TASK.length, TASK.chance) if next(answers) else None

    model = lstm(TASK, units=8, seed=0)
    accuracy = confirm_on_two_samples(look)(initial_snapshot(model, forward(model), TASK, TrainConfig()), TrainConfig())
    assert accuracy == (Accuracy(902, 1000, TASK.length, TASK.chance) if all(finds) else None)
    assert len({tuple(jax.random.key_data(key).tolist()) for key in keys}) == len(keys)
