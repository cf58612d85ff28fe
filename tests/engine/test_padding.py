"""Models through Keras in which some layer drops the mask."""

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan.backend import keras
from memoryspan.engine import forward, unroll, variables_of

LAYERS = keras.layers


def joined() -> keras.Model:
    x = keras.Input((None, 5))
    return keras.Model(x, LAYERS.LSTM(4)(LAYERS.Add()([LAYERS.Dense(5)(x), x])))


READS_PADDING = {
    "convolution": lambda: keras.Sequential(
        [keras.Input((None, 5)), LAYERS.Conv1D(6, 3, padding="causal"), LAYERS.LSTM(4)]
    ),
    "embedding": lambda: keras.Sequential(
        [keras.Input((None,)), LAYERS.Embedding(5, 6), LAYERS.LayerNormalization(), LAYERS.LSTM(4)]
    ),
    "pooling": lambda: keras.Sequential([keras.Input((None, 5)), LAYERS.GlobalMaxPooling1D()]),
    "fixed length": lambda: keras.Sequential([keras.Input((6, 5)), LAYERS.Flatten(), LAYERS.Dense(4)]),
}

KEEPS_MASK = {
    "normalised": lambda: keras.Sequential([keras.Input((None, 5)), LAYERS.LayerNormalization(), LAYERS.LSTM(4)]),
    "averaged": lambda: keras.Sequential([keras.Input((None, 5)), LAYERS.GlobalAveragePooling1D()]),
}


@pytest.mark.parametrize("make", READS_PADDING.values(), ids=READS_PADDING)
def test_a_model_that_reads_its_padding_is_found_out(make):
    served = forward(make())
    assert not served.ragged
    assert "it reads its padding" in served.reason
    assert served.width(5, 6) == 5


@pytest.mark.parametrize("make", KEEPS_MASK.values(), ids=KEEPS_MASK)
def test_a_model_that_keeps_the_mask_takes_ragged_batches(make):
    model = make()
    served = forward(model)
    assert (served.path, served.ragged) == ("keras", True)
    tokens, lengths = np.random.default_rng(0).integers(0, 5, (3, 7)), np.array([7, 2, 4])
    found = served.apply(variables_of(model), jnp.asarray(tokens), jnp.asarray(lengths)).predictions
    for row, length, answer in zip(tokens, lengths, found, strict=True):
        alone = model(np.eye(5, dtype="float32")[row[:length]][np.newaxis])
        np.testing.assert_allclose(answer, np.asarray(alone)[0], atol=1e-5)


def test_a_step_that_is_not_defined_on_zeros_has_its_gradient_on_ragged_rows():
    def step(scale, state, x):
        return state + scale * x / jnp.linalg.norm(x, axis=-1, keepdims=True), None

    inputs = jnp.ones((4, 2, 3)).at[2:, 1].set(jnp.nan)

    def total(scale):
        last, _ = cast(tuple, unroll(step, scale, jnp.zeros((2, 3)), inputs, jnp.array([4, 2])))
        return last.sum()

    assert jax.grad(total)(2.0) == pytest.approx(6 * 3**0.5)
