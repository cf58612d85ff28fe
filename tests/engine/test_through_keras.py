"""Models that are no chain of stock layers, beside Keras on each row alone."""

# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportOperatorIssue=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan import predict
from memoryspan.backend import keras
from memoryspan.engine import assign, compiled_loss, forward, variables_of
from memoryspan.engine.shapes import output_shape
from tests.engine.small_models import (
    ANSWERS,
    EVERY_STEP,
    FEATURES,
    FULL,
    LAYERS,
    MASKING_EMBEDDING,
    RAGGED,
    TIME,
    TOKENS,
    UNITS,
    answer,
    apply_to,
    assert_close,
    chain,
    layer,
    one_hot,
    own_model,
    recurrent,
    two_branches,
)


def attention():
    start = keras.Input((None, FEATURES))
    hidden = LAYERS.GRU(UNITS, return_sequences=True)(start)
    return keras.Model(start, LAYERS.GlobalAveragePooling1D()(LAYERS.MultiHeadAttention(2, 2)(hidden, hidden)))


OTHERS = {
    "a class of its own": own_model,
    "two branches": two_branches,
    "attention": attention,
    "layer normalisation": chain(layer(LAYERS.LayerNormalization), recurrent("GRU")),
    "an embedding that masks": chain(MASKING_EMBEDDING, recurrent("LSTM"), answer()),
    "the mean of all steps": chain(recurrent("SimpleRNN", **EVERY_STEP), layer(LAYERS.GlobalAveragePooling1D)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_each_row_of_any_other_model_is_what_keras_gives_for_it_alone(name):
    model = OTHERS[name]()
    ragged = forward(model).ragged
    together = apply_to(model).predictions if ragged else None
    for row, length in enumerate(RAGGED):
        tokens = TOKENS[row : row + 1, :length]
        found = apply_to(model, (length,), tokens).predictions if together is None else together[row : row + 1]
        assert_close(found, model(tokens if "embedding" in name else one_hot(tokens)))


@pytest.mark.parametrize("rubbish", [-1, 3, 10**6])
def test_no_other_model_reads_the_padding(rubbish):
    model = two_branches()
    spoilt = np.where(np.arange(TIME) < np.array(RAGGED)[:, None], TOKENS, rubbish)
    np.testing.assert_array_equal(apply_to(model, tokens=spoilt).predictions, apply_to(model).predictions)


def test_a_model_of_fixed_length_that_ignores_padding_takes_shorter_arrays():
    model = two_branches(time=TIME + 3)
    wide = apply_to(model, tokens=np.pad(TOKENS, [(0, 0), (0, 3)])).predictions
    np.testing.assert_array_equal(apply_to(model).predictions, wide)


def test_what_layers_add_to_the_loss_is_in_the_loss_that_keras_reports():
    model = own_model()
    output = apply_to(model, FULL)
    loss = compiled_loss(model)(variables_of(model), output, jnp.asarray(TOKENS[:, 0] % ANSWERS), jnp.ones(3))
    reported = model.test_on_batch(one_hot(TOKENS), np.eye(ANSWERS)[TOKENS[:, 0] % ANSWERS])
    np.testing.assert_allclose(loss, reported, rtol=1e-6)


def test_a_penalty_on_activity_is_in_the_loss_that_keras_reports_and_regularisers_are_there_once():
    penalised = layer(LAYERS.LSTM, UNITS, activity_regularizer="l1", kernel_regularizer="l2")
    model = chain(penalised, layer(LAYERS.Dense, ANSWERS, "softmax", bias_regularizer="l2"))()
    model.layers[-1].bias.assign(np.ones(ANSWERS))
    model.compile("sgd", "categorical_crossentropy")
    output = apply_to(model, FULL)
    loss = compiled_loss(model)(variables_of(model), output, jnp.asarray(TOKENS[:, 0] % ANSWERS), jnp.ones(3))
    reported = model.test_on_batch(one_hot(TOKENS), np.eye(ANSWERS)[TOKENS[:, 0] % ANSWERS])
    np.testing.assert_allclose(loss, reported, rtol=1e-6)


def test_in_training_dropout_and_normalisation_are_at_work_and_their_state_moves_on():
    model = own_model()
    before = variables_of(model)
    output = apply_to(model, training=True)
    assert (np.asarray(output.predictions) != apply_to(model).predictions).any()
    assign(model, before._replace(non_trainable=output.non_trainable))
    assert (np.asarray(model.norm.moving_mean) != 0).any()
    again = apply_to(model, training=True)
    assert (np.asarray(output.predictions) != again.predictions).any()


def test_at_rest_nothing_moves():
    model = own_model()
    jax.tree.map(np.testing.assert_array_equal, apply_to(model).non_trainable, variables_of(model).non_trainable)


class StaysRandom(LAYERS.Layer):
    """Dropout that stays on when the model is used (Gal & Ghahramani, arXiv 1506.02142)."""

    def __init__(self):
        super().__init__()
        self.dropout = LAYERS.Dropout(0.5)

    def call(self, x):
        return self.dropout(x, training=True)


def test_a_model_that_draws_when_it_is_used_draws_for_each_row_and_each_time():
    model = chain(recurrent("LSTM"), StaysRandom, layer(LAYERS.Dense, 30))()
    rows = np.repeat(one_hot(TOKENS[:1]), 20, axis=0)
    first, second = (np.array(predict(model, rows, probabilities=True)) for _ in range(2))
    assert len(np.unique(first.round(6), axis=0)) > 3
    assert (first != second).any()


def stateful(rows):
    return keras.Sequential(
        [keras.Input(batch_shape=(rows, 4, FEATURES)), LAYERS.LSTM(UNITS, stateful=True), LAYERS.Dense(ANSWERS)]
    )


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_model_of_a_fixed_number_of_rows_answers_any_number_and_begins_each_anew(rows):
    model = stateful(rows)
    tokens = TOKENS[:, :4]
    model.predict(one_hot(np.resize(tokens, (rows, 4))), verbose=0)  # which leaves states behind
    states = [np.asarray(state.value) for state in model.layers[0].states]
    found = apply_to(model, (4, 4, 4), tokens).predictions
    free = keras.Sequential([keras.Input((4, FEATURES)), LAYERS.LSTM(UNITS), LAYERS.Dense(ANSWERS)])
    free.set_weights(model.get_weights())
    assert_close(found, free(one_hot(tokens)))
    jax.tree.map(np.testing.assert_array_equal, states, [np.asarray(state.value) for state in model.layers[0].states])


def boxed(of_input, of_output):
    start = keras.Input((None, FEATURES), name="sequence")
    outputs = LAYERS.Dense(ANSWERS)(LAYERS.LayerNormalization()(LAYERS.LSTM(UNITS)(start)))
    return keras.Model(of_input(start), of_output(outputs))


BOXES = {"bare": lambda x: x, "list": lambda x: [x], "dictionary": lambda x: {"sequence": x}}


@pytest.mark.parametrize("of_input", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("of_output", BOXES.values(), ids=BOXES)
def test_one_array_in_a_list_or_a_dictionary_is_one_array(of_input, of_output):
    model = boxed(of_input, of_output)
    assert output_shape(model) == (None, ANSWERS)
    (expected,) = keras.tree.flatten(model(of_input(one_hot(TOKENS))))
    assert_close(apply_to(model, FULL).predictions, expected)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_a_model_of_other_numbers_is_what_keras_gives(dtype):
    layers = [LAYERS.LSTM(UNITS, dtype=dtype), LAYERS.Dense(ANSWERS, dtype=dtype)]
    model = keras.Sequential([keras.Input((None, FEATURES)), *layers])
    predictions = np.asarray(apply_to(model).predictions, np.float64)
    for row, length in enumerate(RAGGED):
        expected = np.asarray(model(one_hot(TOKENS[row : row + 1, :length])), np.float64)
        np.testing.assert_allclose(predictions[row : row + 1], expected, atol=1e-2)
