"""Several seeds in one program."""

import numpy as np
import pytest

from memoryspan import Budget, Echo, Status, lstm, train, train_seeds
from memoryspan.backend import keras
from memoryspan.engine import forward
from memoryspan.errors import InsufficientMemoryError, ModelError, TaskError
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.training import TrainConfig
from memoryspan.training.compile import compile_train_step
from memoryspan.training.loop import train_loop
from memoryspan.training.stopping import reaches_threshold
from tests.messages import naming

TASK = Echo(8, 6, 1)
SEEDS = (3, 5, 8, 11)


def models(seeds=SEEDS, units=12):
    return [lstm(TASK, units=units, seed=seed) for seed in seeds]


def through_keras(seed):
    """A model that is not recognised."""
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((None, 6)), keras.layers.LSTM(8), keras.layers.LayerNormalization()]
    model = keras.Sequential([*layers, keras.layers.Dense(6, "softmax")])
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
    return model


def weights(model):
    return [np.asarray(variable.value) for variable in model.trainable_variables]


@pytest.mark.parametrize("seeds", [SEEDS, SEEDS[:3]], ids=["shared out over two cores", "on one core"])
def test_each_seed_ends_as_it_would_alone(seeds):
    together, alone = models(seeds), models(seeds)
    budget = Budget(examples=640)
    results = train_seeds(together, TASK, seeds=seeds, budget=budget)
    for seed, model, other, result in zip(seeds, together, alone, results, strict=True):
        by_itself = train(other, TASK, seed=seed, budget=budget)
        rows = [(row.updates, row.tokens, row.length) for row in result.history]
        assert rows == [(row.updates, row.tokens, row.length) for row in by_itself.history]
        for one, two in zip(weights(model), weights(other), strict=True):
            np.testing.assert_allclose(one, two, atol=1e-4)


@pytest.mark.slow
def test_a_model_that_runs_through_keras_does_so_too():
    together, alone = [through_keras(seed) for seed in (0, 1)], [through_keras(seed) for seed in (0, 1)]
    budget = Budget(examples=320)
    train_seeds(together, TASK, seeds=(0, 1), budget=budget)
    for seed, (model, other) in enumerate(zip(together, alone, strict=True)):
        assert train(other, TASK, seed=seed, budget=budget).engine == "keras"
        for one, two in zip(weights(model), weights(other), strict=True):
            np.testing.assert_allclose(one, two, atol=1e-4)


def test_each_is_solved_in_its_own_time_and_then_stays_where_it_is():
    results = train_seeds(models(units=25), TASK, seeds=SEEDS)
    assert all(result.status is Status.SOLVED for result in results)
    updates = [result.history[-1].updates for result in results]
    assert len(set(updates)) > 1
    alone = lstm(TASK, units=25, seed=SEEDS[0])
    assert train(alone, TASK, seed=SEEDS[0]).history[-1].updates == updates[0]


def test_it_is_one_program_for_all_of_them():
    settings = [TrainConfig(seed=seed, budget=Budget(examples=64)) for seed in SEEDS]
    alike = models()
    steps = list(train_loop(alike, TASK, settings, reaches_threshold(TASK, make_accuracy_fn(forward(alike[0]), TASK))))
    assert [len(positions) for positions in steps] == [len(SEEDS)] * len(steps)


def test_models_that_are_not_alike_are_refused():
    (other,) = models((1,), units=13)
    with pytest.raises(ModelError, match=naming(other.name)):
        train_seeds([*models((0,)), other], TASK, seeds=(0, 1))


def test_each_seed_needs_a_model():
    with pytest.raises(TaskError, match=naming(2, 4)):
        train_seeds(models((0, 1)), TASK, seeds=SEEDS)


@pytest.mark.parametrize(
    ("settings", "instead"),
    [({"batchsize": 8}, "batch_size"), ({"epochs": 3}, "budget=Budget(examples=10_000)"), ({"seed": 3}, "seeds")],
)
def test_a_setting_that_is_none_is_refused(settings, instead):
    task = Echo(8, 6, 1)
    with pytest.raises(TaskError, match=naming(train_seeds.__name__, *settings, instead)):
        train_seeds([lstm(task, units=8, seed=0)], task, seeds=[0], **settings)


@pytest.mark.slow
def test_seeds_that_do_not_fit_into_memory_together_train_alone():
    task = Echo(128, 6, 1)
    together, alone = [[lstm(task, units=12, seed=seed) for seed in SEEDS[:2]] for _ in range(2)]
    expected = [train(model, task, seed=seed) for seed, model in zip(SEEDS, alone, strict=False)]
    room, crowded = {1: 128, 2: 64}, []

    def small_machine(problem, width, states, keys):
        if width > room[len(states)]:
            crowded.append((width, len(states)))
            raise InsufficientMemoryError("too long")
        return compile_train_step(problem, width, states, keys)

    configs = [TrainConfig(seed) for seed in SEEDS[:2]]
    solved = reaches_threshold(task, make_accuracy_fn(forward(together[0]), task))
    *_, ends = train_loop(together, task, configs, solved, compile_step=small_machine)
    assert [snapshot.status for snapshot in ends] == [Status.SOLVED] * 2
    assert [snapshot.row.updates for snapshot in ends] == [result.history[-1].updates for result in expected]
    assert crowded == [(128, 2)]
