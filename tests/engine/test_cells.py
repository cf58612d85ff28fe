"""Each cell beside Keras's own, one step on the same weights."""

# pyright: reportArgumentType=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan.backend import keras
from memoryspan.engine import cells

FEATURES, UNITS = 5, 3
TANH, SIGMOID, RELU = keras.activations.tanh, keras.activations.sigmoid, keras.activations.relu

CELLS = {
    "simple rnn": (keras.layers.SimpleRNNCell(UNITS), cells.simple_rnn(TANH)),
    "simple rnn with relu": (keras.layers.SimpleRNNCell(UNITS, "relu"), cells.simple_rnn(RELU)),
    "lstm": (keras.layers.LSTMCell(UNITS), cells.lstm(TANH, SIGMOID)),
    "lstm with relu": (keras.layers.LSTMCell(UNITS, "relu", "tanh"), cells.lstm(RELU, TANH)),
    "gru": (keras.layers.GRUCell(UNITS), cells.gru(TANH, SIGMOID)),
    "gru with relu": (keras.layers.GRUCell(UNITS, "relu", "tanh"), cells.gru(RELU, TANH)),
    "gru, reset before": (keras.layers.GRUCell(UNITS, reset_after=False), cells.gru_reset_before(TANH, SIGMOID)),
}


def randomised(cell):
    rng = np.random.default_rng(0)
    if not cell.built:
        cell.build((None, FEATURES))
    for variable in cell.weights:
        variable.assign(rng.normal(size=variable.shape))
    return cells.Weights(cell.kernel.value, cell.recurrent_kernel.value, cell.bias.value)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("reads", ["tokens", "vectors"])
def test_a_step_is_that_of_keras(name, reads):
    cell, step = CELLS[name]
    weights = randomised(cell)
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, FEATURES, 4)
    vectors = jnp.asarray(rng.normal(size=(4, FEATURES)), jnp.float32)
    x = jax.nn.one_hot(tokens, FEATURES) if reads == "tokens" else vectors
    before = [jnp.asarray(rng.normal(size=(4, UNITS)), jnp.float32) for _ in range(2 if "lstm" in name else 1)]
    state = cells.HiddenAndCell(*before) if "lstm" in name else cells.Hidden(*before)
    _, after = cell(x, before)
    found, _ = step(weights, state, jnp.asarray(tokens) if reads == "tokens" else x)
    for ours, theirs in zip(found, after if isinstance(after, (list, tuple)) else [after], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@given(st.lists(st.integers(0, FEATURES - 1), min_size=4, max_size=4), st.integers(0, 99))
def test_a_token_stands_for_its_one_hot_vector(tokens, seed):
    kernel = jnp.asarray(np.random.default_rng(seed).normal(size=(FEATURES, UNITS)), jnp.float32)
    tokens = jnp.array(tokens)
    np.testing.assert_allclose(cells.project(kernel, tokens), jax.nn.one_hot(tokens, FEATURES) @ kernel, rtol=1e-6)


def test_a_token_that_does_not_exist_reads_the_nearest_that_does():
    kernel = jnp.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(cells.project(kernel, jnp.array([-7, 3, 99])), kernel[jnp.array([0, 2, 2])])
