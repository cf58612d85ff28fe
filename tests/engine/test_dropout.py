"""Which models answer otherwise while they train."""

import pytest

from memoryspan.backend import keras
from memoryspan.engine.dropout import differs_in_training, noisy_layers

LAYERS = keras.layers


def model_of(*layers):
    return keras.Sequential([keras.Input((None, 4)), *layers, LAYERS.Dense(2)])


@keras.saving.register_keras_serializable()
class OwnNoise(LAYERS.Layer):
    """A layer of one's own that may do anything while it trains."""

    def call(self, inputs, training=False):
        return inputs


THE_SAME = {
    "recurrent": lambda: model_of(LAYERS.LSTM(3)),
    "both ways, distributed": lambda: model_of(
        LAYERS.Bidirectional(LAYERS.GRU(3, return_sequences=True)), LAYERS.TimeDistributed(LAYERS.Dense(3))
    ),
    "dropout of nothing": lambda: model_of(LAYERS.Dropout(0.0), LAYERS.LSTM(3, dropout=0.0)),
    "nested": lambda: model_of(keras.Sequential([LAYERS.Conv1D(3, 2), LAYERS.LayerNormalization()])),
}

OTHERWISE = {
    "dropout": (lambda: model_of(LAYERS.Dropout(0.1, name="noisy")), True),
    "in a cell": (lambda: model_of(LAYERS.LSTM(3, dropout=0.1, name="noisy")), True),
    "of a state": (lambda: model_of(LAYERS.GRU(3, recurrent_dropout=0.1, name="noisy")), True),
    "noise": (lambda: model_of(LAYERS.GaussianNoise(0.1, name="noisy")), True),
    "inside a model": (lambda: model_of(keras.Sequential([LAYERS.SpatialDropout1D(0.1, name="noisy")])), True),
    "moments of the batch": (lambda: model_of(LAYERS.BatchNormalization()), False),
    "a layer of one's own": (lambda: model_of(OwnNoise()), False),
}


@pytest.mark.parametrize("make", THE_SAME.values(), ids=THE_SAME)
def test_a_model_without_them_is_the_same_in_training(make):
    assert not differs_in_training(make())
    assert noisy_layers(make()) == []


@pytest.mark.parametrize(("make", "noisy"), OTHERWISE.values(), ids=OTHERWISE)
def test_dropout_noise_and_what_is_not_known_differ_and_noise_is_named(make, noisy):
    assert differs_in_training(make())
    assert ("noisy" in noisy_layers(make())) == noisy
