"""The two engines beside each other, and both beside Keras on each row alone, without padding."""

# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportOperatorIssue=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

from dataclasses import dataclass
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryspan.backend import keras
from memoryspan.engine import Variables, assign, compiled_loss, forward, variables_of, weights_of
from memoryspan.engine.through_keras import through_keras
from tests.engine.small_models import (
    ANSWERS,
    EVERY_STEP,
    FEATURES,
    FULL,
    LAYERS,
    RAGGED,
    TIME,
    answer,
    assert_close,
    layer,
    recurrent,
)

loses_the_mask = pytest.mark.filterwarnings("ignore:Layer .* does not support masking")


def both_ways(one, **settings):
    return lambda: LAYERS.Bidirectional(one(), **settings)


OTHER_ACTIVATIONS = {"activation": "relu", "recurrent_activation": "hard_sigmoid"}
EMBEDDING = layer(LAYERS.Embedding, FEATURES, 4)


@dataclass(frozen=True)
class Case:
    """A chain of layers, how it is put together, and what it is given."""

    layers: tuple
    time: int | None = None
    functional: bool = False
    real: bool = False
    frozen: int | None = None

    def build(self, time=None):
        """A model with random weights everywhere, biases included."""
        layers = [make() for make in self.layers]
        reads_tokens = isinstance(layers[0], LAYERS.Embedding)
        start = keras.Input((time,) if reads_tokens else (time, FEATURES))
        if self.functional:
            x = start
            for one in layers:
                x = one(x)
            model = keras.Model(start, x)
        else:
            model = keras.Sequential([start, *layers])
        rng = np.random.default_rng(0)
        for variable in model.weights:
            variable.assign(rng.normal(scale=0.5, size=variable.shape))
        if self.frozen is not None:
            layers[self.frozen].trainable = False
        model.compile("sgd", "categorical_crossentropy" if _ends_in_softmax(layers) else "mse")
        return model

    @cached_property
    def model(self):
        return self.build(self.time)

    @property
    def lengths_for_keras(self):
        """Ragged, where Keras carries a mask to the end.

        It reverses the padding along with a row where it hands a reversed sequence on, and an embedding loses the mask.
        """
        flags = [make.keywords for make in self.layers if isinstance(make, partial)]
        reversed_sequence = any(f.get("go_backwards") and f.get("return_sequences") for f in flags)
        return FULL if reversed_sequence or EMBEDDING in self.layers else RAGGED

    @cached_property
    def data(self):
        """Inputs, and targets for an answer at every step."""
        rng = np.random.default_rng(1)
        tokens = rng.integers(0, FEATURES, (3, TIME))
        inputs = rng.normal(size=(3, TIME, FEATURES)).astype("float32") if self.real else tokens
        return inputs, rng.integers(0, self.model.output_shape[-1], (3, TIME))

    def spoilt(self, lengths):
        """The inputs with rubbish in the padding."""
        inputs, _ = self.data
        padding = np.arange(TIME) >= np.array(lengths)[:, None]
        rubbish = np.nan if self.real else 10**6
        return np.where(padding[..., None] if self.real else padding, rubbish, inputs).astype(inputs.dtype)

    @cached_property
    def through_unroll(self):
        served = forward(self.model)
        assert served.engine == "unroll", served.reason
        return predictions_loss_and_gradient(self.model, served.apply)

    @cached_property
    def through_keras(self):
        return predictions_loss_and_gradient(self.model, through_keras(self.model, training=False, ragged=True))

    def run(self, function, lengths, inputs=None):
        inputs = self.data[0] if inputs is None else inputs
        return function(variables_of(self.model), inputs, jnp.array(lengths), self.data[1])

    def alone(self, row, length):
        """What Keras gives for a row cut to its length."""
        free = self.model
        if self.time is not None:
            free = self.build()
            assign(free, variables_of(self.model))
        inputs = self.data[0][row : row + 1, :length]
        if not self.real and len(free.input_shape) == 3:
            inputs = np.eye(FEATURES, dtype="float32")[inputs]
        return np.asarray(free(inputs))


def _ends_in_softmax(layers):
    return getattr(getattr(layers[-1], "activation", None), "__name__", "") == "softmax"


def predictions_loss_and_gradient(model, apply):
    """Predictions (zero behind a row's end), loss and gradient, in one compiled function."""
    loss_of, every_step = compiled_loss(model), len(model.output_shape) == 3

    def objective(trainable, variables, inputs, lengths, targets):
        variables = Variables(trainable, variables.non_trainable)
        output = apply(variables, inputs, lengths)
        asked = jnp.arange(TIME) < lengths[:, None] if every_step else jnp.ones(len(lengths), bool)
        targets = targets if every_step else targets[:, 0]
        loss = loss_of(variables, output, targets, weights_of(asked))
        return loss, jnp.where(asked[..., None], output.predictions, 0)

    @jax.jit
    def function(variables, inputs, lengths, targets):
        gradient_of = jax.value_and_grad(objective, has_aux=True)
        (loss, predictions), gradient = gradient_of(variables.trainable, variables, inputs, lengths, targets)
        return predictions, loss, gradient

    return function


def assert_both_paths_agree(case):
    lengths = case.lengths_for_keras
    assert_close(case.run(case.through_unroll, lengths), case.run(case.through_keras, lengths))


def assert_each_row_is_as_alone(case):
    predictions, _, _ = case.run(case.through_unroll, RAGGED)
    every_step = predictions.ndim == 3
    for row, length in enumerate(RAGGED):
        found = predictions[row : row + 1, :length] if every_step else predictions[row : row + 1]
        assert_close(found, case.alone(row, length))


def assert_padding_is_not_read(case):
    """Neither by the predictions, nor by the loss, nor by the gradient."""
    clean = case.run(case.through_unroll, RAGGED)
    spoilt = case.run(case.through_unroll, RAGGED, case.spoilt(RAGGED))
    jax.tree.map(np.testing.assert_array_equal, clean, spoilt)


CASES = {
    "the tutorial's, of fixed length": Case((recurrent("LSTM"), answer()), time=TIME),
    "lstm at every step": Case((recurrent("LSTM", **EVERY_STEP), answer())),
    "lstm backwards, other activations": Case(
        (
            recurrent(
                "LSTM", activation="relu", recurrent_activation="hard_sigmoid", use_bias=False, go_backwards=True
            ),
            answer(None),
        )
    ),
    "gru": Case((recurrent("GRU"), answer())),
    "gru, reset before": Case((recurrent("GRU", reset_after=False), answer())),
    "simple rnn": Case((recurrent("SimpleRNN"), answer())),
    "gru backwards at every step": Case((recurrent("GRU", go_backwards=True, **EVERY_STEP), answer())),
    "stacked, functional, with dropout": Case(
        (
            recurrent("LSTM", **EVERY_STEP),
            layer(LAYERS.Dropout, 0.5),
            recurrent("GRU", dropout=0.3, recurrent_dropout=0.3),
            answer(),
        ),
        functional=True,
    ),
    "embedding": Case((EMBEDDING, recurrent("LSTM"), answer())),
    "frozen embedding of fixed length": Case((EMBEDDING, recurrent("GRU"), answer()), time=TIME, frozen=0),
    "dense first, on vectors": Case(
        (layer(LAYERS.Dense, 4, "tanh"), recurrent("LSTM", **EVERY_STEP), answer()), real=True
    ),
    "dense alone, on vectors": Case((answer(),), real=True),
    "frozen, regularised": Case(
        (
            recurrent("LSTM", kernel_regularizer="l2", recurrent_regularizer="l1", **EVERY_STEP),
            recurrent("SimpleRNN", bias_regularizer="l2"),
            layer(LAYERS.Activation, "tanh"),
            layer(LAYERS.Dense, ANSWERS, kernel_regularizer="l2"),
        ),
        frozen=0,
    ),
    "both ways, concat": Case((both_ways(recurrent("LSTM", **EVERY_STEP)), answer())),
    "both ways, sum": Case((both_ways(recurrent("GRU", use_bias=False), merge_mode="sum"), answer())),
    "both ways, ave": Case(
        (both_ways(recurrent("SimpleRNN", activation=None, **EVERY_STEP), merge_mode="ave"), answer()), real=True
    ),
    "both ways, mul": Case((both_ways(recurrent("LSTM"), merge_mode="mul"), answer())),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]


@loses_the_mask
def test_both_paths_agree_on_predictions_loss_and_gradient(case):
    assert_both_paths_agree(case)


def test_each_row_of_a_ragged_batch_is_what_keras_gives_for_it_alone(case):
    assert_each_row_is_as_alone(case)


def test_what_stands_in_the_padding_changes_no_bit(case):
    assert_padding_is_not_read(case)


activations = st.sampled_from(["tanh", "relu", "sigmoid", "hard_sigmoid", "softsign", "linear", None])


@st.composite
def recurrents(draw, every_step):
    kind = draw(st.sampled_from(["LSTM", "GRU", "SimpleRNN"]))
    drawn = {
        "activation": draw(activations),
        "use_bias": draw(st.booleans()),
        "kernel_regularizer": draw(st.sampled_from([None, "l2"])),
        "return_sequences": every_step,
    }
    if kind != "SimpleRNN":
        drawn["recurrent_activation"] = draw(activations)
    if kind == "GRU":
        drawn["reset_after"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        return both_ways(recurrent(kind, **drawn), merge_mode=draw(st.sampled_from(["concat", "sum", "ave", "mul"])))
    return recurrent(kind, go_backwards=draw(st.booleans()), **drawn)


@st.composite
def cases(draw):
    """Two recurrent layers at most, with what may stand before, between and behind them."""
    every_step, two = draw(st.booleans()), draw(st.booleans())
    first = draw(st.sampled_from([(), (), (EMBEDDING,), (layer(LAYERS.Dense, 4, "tanh"),)]))
    between = draw(st.sampled_from([(), (layer(LAYERS.Dropout, 0.5),), (layer(LAYERS.Dense, 4, "relu"),)]))
    chain = (draw(recurrents(True)), *between, draw(recurrents(every_step))) if two else (draw(recurrents(every_step)),)
    last = draw(st.sampled_from([(), (answer(),), (answer(None), layer(LAYERS.Activation, "tanh"))]))
    layers = (*first, *chain, *last)
    return Case(
        layers,
        time=draw(st.sampled_from([None, TIME])),
        functional=draw(st.booleans()),
        real=first != (EMBEDDING,) and draw(st.booleans()),
        frozen=draw(st.none() | st.just(0)) if len(layers) > 1 else None,
    )


@loses_the_mask
@settings(max_examples=5)
@given(cases())
def test_any_chain_of_stock_layers_is_served_exactly(case):
    assert_both_paths_agree(case)
    assert_each_row_is_as_alone(case)
    assert_padding_is_not_read(case)
