import jax
import pytest

from memoryspan.tasks import Delay


def test_every_step_that_has_one_asks_for_the_symbol_so_many_steps_back():
    task = Delay(10, 8, 3)
    batch = jax.device_get(task.sample(jax.random.key(0), 1, 7))
    assert batch.target_mask[0].nonzero()[0].tolist() == [3, 4, 5, 6]
    assert batch.targets[0, 3:7].tolist() == batch.inputs[0, :4].tolist()


@pytest.mark.parametrize("delay", [0, 9])
def test_the_least_and_the_greatest_delay(delay):
    task = Delay(10, 8, delay)
    batch = jax.device_get(task.sample(jax.random.key(0), 1, 10))
    assert batch.targets[0, delay:].tolist() == batch.inputs[0, : 10 - delay].tolist()
    assert batch.target_mask.sum() == 10 - delay
    assert task.lag(10) == task.lag(10**6) == delay
