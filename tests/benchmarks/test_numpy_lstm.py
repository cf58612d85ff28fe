import numpy as np
import pytest

from benchmarks.numpy_lstm import Weights, fresh, from_keras, gradients, updated, walk
from memoryspan.backend import jax, keras
from memoryspan.models import lstm
from memoryspan.tasks import Adding

TASK, UNITS = Adding(12), 5


@pytest.fixture(scope="module")
def model():
    return lstm(TASK, units=UNITS, global_clipnorm=0.1, seed=0)


@pytest.fixture(scope="module")
def batch():
    inputs, _, targets, _ = TASK.sample(jax.random.key(0), 7, TASK.length)
    return np.asarray(inputs), np.asarray(targets)


@pytest.fixture(scope="module")
def keras_gradients(model, batch):
    inputs, targets = batch

    def loss(weights):
        predictions, _ = model.stateless_call(weights, model.non_trainable_variables, inputs)
        return ((predictions[:, 0] - targets) ** 2).mean()

    return jax.grad(loss)([variable.value for variable in model.trainable_variables])


def in_numpy(arrays) -> Weights:
    return from_keras(*map(np.asarray, arrays))


def walked(model, inputs):
    return walk(in_numpy(model.get_weights()), inputs.transpose(1, 2, 0))


def assert_close(found: Weights, expected: Weights, tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_it_answers_as_keras_does(model, batch):
    inputs, _ = batch
    expected = np.asarray(model(inputs))
    np.testing.assert_allclose(walked(model, inputs).answers[:, None], expected, rtol=1e-5, atol=1e-6)


def test_its_gradients_are_those_of_autodiff(model, batch, keras_gradients):
    inputs, targets = batch
    found = gradients(in_numpy(model.get_weights()), walked(model, inputs), targets)
    assert_close(found, in_numpy(keras_gradients), 1e-5)


def test_it_stays_in_32_bits(model, batch):
    inputs, targets = batch
    weights = in_numpy(model.get_weights())
    state = updated(fresh(weights), gradients(weights, walked(model, inputs), targets), 1e-2, 1.0)
    assert {part.dtype for moments in state[:3] for part in moments} == {np.dtype(np.float32)}


@pytest.mark.parametrize("clipnorm", [0.1, 100.0])
def test_its_updates_are_those_of_keras(model, keras_gradients, clipnorm):
    optimizer = keras.optimizers.Adam(1e-2, global_clipnorm=clipnorm)
    optimizer.build(model.trainable_variables)
    weights, moments = [v.value for v in model.trainable_variables], [v.value for v in optimizer.variables]
    state = fresh(in_numpy(weights))
    for _ in range(3):
        weights, moments = optimizer.stateless_apply(moments, keras_gradients, weights)
        state = updated(state, in_numpy(keras_gradients), 1e-2, clipnorm)
    assert_close(state.weights, in_numpy(weights), 1e-5)
