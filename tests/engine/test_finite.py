"""Where numbers stop being finite is found."""

import re
from typing import Any

import numpy as np
import pytest

from memoryspan import Echo, evaluate, predict
from memoryspan.backend import keras
from memoryspan.engine.finite import origin
from memoryspan.errors import ModelError
from tests.messages import names, naming

LAYERS: Any = keras.layers
TASK = Echo(5, 10)
TOKENS = np.array([[1, 2, 3, 4, 5]])


def model_of(*layers):
    return keras.Sequential([keras.Input((None, 10)), *layers])


def with_a_weight_that_is_nan():
    model = model_of(LAYERS.LSTM(4, name="memory"), LAYERS.Dense(10, "softmax"))
    weights = model.get_weights()
    weights[1][0, 0] = np.nan
    model.set_weights(weights)
    return model


def that_overflows():
    return model_of(
        LAYERS.Dense(3, kernel_initializer=keras.initializers.Constant(1e30), name="large"),
        LAYERS.SimpleRNN(2, "relu", kernel_initializer=keras.initializers.Constant(1e30), name="overflowing"),
        LAYERS.Dense(10, name="last"),
    )


BROKEN = {"recurrent_kernel": with_a_weight_that_is_nan, "overflowing": that_overflows}


@pytest.mark.parametrize("where", BROKEN)
def test_the_first_weight_or_layer_is_named(where):
    assert names(origin(BROKEN[where](), TOKENS), where)


@pytest.mark.parametrize("where", BROKEN)
@pytest.mark.parametrize("call", [lambda model: evaluate(model, TASK), lambda model: predict(model, TOKENS)])
def test_no_answer_is_read_out_of_what_is_not_a_number(where, call):
    with pytest.raises(ModelError, match=naming(where)):
        call(BROKEN[where]())


def test_a_finite_model_is_found_to_be_so():
    layers = LAYERS.LSTM(3, name="memory"), LAYERS.Dense(10, name="answer")
    assert not re.search("memory|answer", origin(model_of(*layers), TOKENS))


def test_watching_leaves_the_layers_as_they_were():
    model = that_overflows()
    before = [vars(layer).get("call") for layer in model.layers]
    origin(model, TOKENS)
    assert [vars(layer).get("call") for layer in model.layers] == before
