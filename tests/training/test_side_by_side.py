"""Trainings side by side in one process are those of each alone."""

import asyncio
import threading

import numpy as np
import pytest

from memoryspan import Budget, Echo, lstm, train

TASK, BUDGET = Echo(length=3, n_features=4, out_index=1), Budget(examples=640)


def trained(seed: int) -> list[np.ndarray]:
    """The weights of a short training."""
    model = lstm(TASK, units=3, seed=seed)
    train(model, TASK, seed=seed, budget=BUDGET)
    return model.get_weights()


@pytest.fixture(scope="module")
def alone():
    return [trained(seed) for seed in (0, 1)]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_two_threads_train_as_each_alone(alone):
    found = {}
    threads = [threading.Thread(target=lambda seed=seed: found.update({seed: trained(seed)})) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_same([found[0], found[1]], alone)


@pytest.mark.slow
def test_trainings_in_threads_of_asyncio_are_those_of_each_alone(alone):
    async def both():
        return await asyncio.gather(*(asyncio.to_thread(trained, seed) for seed in (0, 1)))

    assert_same(asyncio.run(both()), alone)
