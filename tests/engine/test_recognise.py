"""Which chains of layers are read, and what is said of the others."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan.backend import keras
from memoryspan.engine import forward
from memoryspan.engine.recognise import reverse
from tests.messages import names

LAYERS = keras.layers
FEATURES, UNITS = 5, 3


def chain(*layers, start=(None, FEATURES)):
    return keras.Sequential([keras.Input(start), *layers])


def lstm(**settings):
    return LAYERS.LSTM(UNITS, **settings, name="memory")


class OwnModel(keras.Model):
    """A class of its own, as far as anybody can tell."""

    def __init__(self):
        super().__init__(name="mine")
        self.memory = lstm()

    def call(self, x):
        return self.memory(x)


class OwnDense(LAYERS.Dense):
    """Looks like a Dense layer, and need not be one."""


def own_activation(x):
    return x - x.mean(axis=0)


def own_model():
    model = OwnModel()
    model(keras.KerasTensor((None, None, FEATURES)))
    return model


def two_branches():
    start = keras.Input((None, FEATURES))
    return keras.Model(start, LAYERS.Add()([LAYERS.LSTM(UNITS)(start), LAYERS.GRU(UNITS)(start)]))


def two_answers():
    start = keras.Input((None, FEATURES))
    hidden = LAYERS.LSTM(UNITS)(start)
    return keras.Model(start, [hidden, LAYERS.Dense(2)(hidden)])


def used_twice():
    start, dense = keras.Input((None, FEATURES)), LAYERS.Dense(FEATURES, name="again")
    return keras.Model(start, LAYERS.LSTM(UNITS)(dense(dense(start))))


def adapted_dense():
    model = chain(lstm(), LAYERS.Dense(4, name="answer"))
    model.layers[-1].enable_lora(2)
    return model


BY_UNROLL = {
    "lstm": lambda: chain(lstm(), LAYERS.Dense(2)),
    "dropout at rest": lambda: chain(lstm(dropout=0.5), LAYERS.Dropout(0.5)),
    "embedding": lambda: chain(LAYERS.Embedding(9, 2), lstm(), start=(None,)),
    "both ways": lambda: chain(LAYERS.Bidirectional(lstm())),
    "constrained": lambda: chain(lstm(kernel_constraint="max_norm")),
}

# By what the reason has to name.
THROUGH_KERAS = {
    "input output": two_answers,
    "chain": two_branches,
    "again Dense|chain": used_twice,
    "OwnModel": own_model,
    "answer OwnDense": lambda: chain(lstm(), OwnDense(2, name="answer")),
    "norm LayerNormalization": lambda: chain(lstm(), LAYERS.LayerNormalization(name="norm")),
    "norm BatchNormalization": lambda: chain(lstm(), LAYERS.BatchNormalization(name="norm")),
    "flat Flatten": lambda: chain(lstm(return_sequences=True), LAYERS.Flatten(name="flat"), start=(4, FEATURES)),
    "LSTM GRU": lambda: chain(LAYERS.Conv1D(2, 3, padding="causal"), lstm()),
    "Embedding": lambda: chain(LAYERS.Reshape((-1, 1)), lstm(), start=(4,)),
    "memory mixed_float16": lambda: chain(lstm(dtype="mixed_float16")),
    "memory float64": lambda: chain(lstm(dtype="float64")),
    "memory activation keras.activations": lambda: chain(lstm(activation=own_activation)),
    "memory recurrent_activation keras.activations": lambda: chain(lstm(recurrent_activation=own_activation)),
    "answer activation keras.activations": lambda: chain(lstm(), LAYERS.Dense(2, own_activation, name="answer")),
    "table 0": lambda: chain(LAYERS.Embedding(9, 2, mask_zero=True, name="table"), lstm(), start=(None,)),
    "memory state": lambda: keras.Sequential([keras.Input((4, FEATURES), 2), lstm(stateful=True)]),
    "answer kernel": adapted_dense,
    "memory activity": lambda: chain(lstm(activity_regularizer="l2")),
    "pair": lambda: chain(LAYERS.Bidirectional(LAYERS.RNN(LAYERS.LSTMCell(2)), name="pair")),
}

IN_TRAINING = {
    "memory": lambda: chain(lstm(dropout=0.5)),
    "forward_memory": lambda: chain(LAYERS.Bidirectional(lstm(recurrent_dropout=0.5))),
    "rest": lambda: chain(lstm(), LAYERS.Dropout(0.5, name="rest")),
}


@pytest.mark.parametrize("name", BY_UNROLL)
def test_a_chain_of_stock_layers_goes_through_unroll(name):
    assert forward(BY_UNROLL[name]()).engine == "unroll"


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64:UserWarning")
@pytest.mark.parametrize("named", THROUGH_KERAS)
def test_any_other_model_goes_through_keras_and_the_reason_names_the_layer(named):
    served = forward(THROUGH_KERAS[named]())
    assert served.engine == "keras"
    assert any(names(served.reason, *words.split()) for words in named.split("|"))


@pytest.mark.parametrize("layer", IN_TRAINING)
def test_dropout_goes_through_keras_in_training_only(layer):
    model = IN_TRAINING[layer]()
    assert forward(model).engine == "unroll"
    served = forward(model, training=True)
    assert (served.engine, names(served.reason, layer)) == ("keras", True)


def test_dropout_of_nothing_is_no_dropout():
    assert forward(chain(lstm(), LAYERS.Dropout(0.0)), training=True).engine == "unroll"


@given(st.lists(st.integers(0, 6), min_size=4, max_size=4))
def test_reverse_turns_each_row_and_leaves_its_padding_behind(lengths):
    rows = np.arange(24).reshape(4, 6)
    turned = reverse(jnp.asarray(rows.T), jnp.array(lengths)).T
    expected = [[*row[:length][::-1], *row[length:]] for row, length in zip(rows, lengths, strict=True)]
    np.testing.assert_array_equal(turned, expected)


def with_an_initial_state() -> keras.Model:
    x = keras.Input((None, FEATURES))
    ones = keras.ops.ones((1, 4))
    return keras.Model(x, LAYERS.LSTM(4)(x, initial_state=[ones, ones]))


def with_a_layer_for_activation() -> keras.Model:
    return keras.Sequential([keras.Input((None, FEATURES)), LAYERS.Dense(3, activation=LAYERS.Softmax(axis=1))])


@pytest.mark.parametrize("make", [with_an_initial_state, with_a_layer_for_activation])
def test_what_only_looks_like_a_stock_layer_goes_through_keras(make):
    assert forward(make()).engine == "keras"
