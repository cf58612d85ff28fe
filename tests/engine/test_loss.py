"""The compiled loss beside the one that Keras reports."""

# pyright: reportArgumentType=false, reportOptionalOperand=false, reportOptionalSubscript=false
# pyright: reportAssignmentType=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from memoryspan.backend import keras
from memoryspan.engine import ForwardOutput, compiled_loss, variables_of, weights_of

LAYERS, LOSSES = keras.layers, keras.losses
BATCH, TIME, FEATURES, CLASSES = 4, 5, 3, 6
RNG = np.random.default_rng(0)
X = RNG.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
LABELS = RNG.integers(0, CLASSES, (BATCH, TIME))
ASKED = RNG.random((BATCH, TIME)) < 0.6


def own_loss(y_true, y_pred):
    return keras.ops.mean(abs(y_true - y_pred) ** 3, axis=-1)


OF_CLASSES = {
    "by name": "categorical_crossentropy",
    "sparse, by name": "sparse_categorical_crossentropy",
    "sparse, function": LOSSES.sparse_categorical_crossentropy,
    "sparse, from logits": LOSSES.SparseCategoricalCrossentropy(from_logits=True),
    "smoothed": LOSSES.CategoricalCrossentropy(label_smoothing=0.1),
    "focal": "categorical_focal_crossentropy",
    "squares": "mse",
    "sum": LOSSES.CategoricalCrossentropy(reduction="sum"),
    "of its own": own_loss,
}


def model_of(loss, answers=CLASSES, activation="softmax", **settings):
    model = keras.Sequential(
        [
            keras.Input((None, FEATURES)),
            LAYERS.SimpleRNN(3, kernel_regularizer="l2", **settings),
            LAYERS.Dense(answers, activation, bias_regularizer="l1"),
        ]
    )
    rng = np.random.default_rng(1)
    for variable in model.weights:
        variable.assign(rng.normal(size=variable.shape))
    model.compile("sgd", loss)
    return model


def found(model, targets, weights, variables=None):
    variables = variables or variables_of(model)
    predictions, _ = model.stateless_call(*variables, jnp.asarray(X))
    outcome = ForwardOutput(predictions, variables.non_trainable, 0.0)
    return compiled_loss(model)(variables, outcome, jnp.asarray(targets), jnp.asarray(weights))


def as_keras_reads(name, labels):
    return labels if "sparse" in name else np.eye(CLASSES, dtype="float32")[labels]


@pytest.mark.parametrize("name", OF_CLASSES)
def test_one_class_an_example_costs_what_keras_reports(name):
    model = model_of(OF_CLASSES[name])
    reported = model.test_on_batch(X, as_keras_reads(name, LABELS[:, 0]))
    np.testing.assert_allclose(found(model, LABELS[:, 0], np.ones(BATCH)), reported, rtol=1e-5)


@pytest.mark.parametrize("name", ["by name", "sparse, by name", "of its own"])
def test_a_class_at_every_step_costs_what_keras_reports_for_the_same_weights(name):
    model, weights = model_of(OF_CLASSES[name], return_sequences=True), np.asarray(weights_of(jnp.asarray(ASKED)))
    reported = model.test_on_batch(X, as_keras_reads(name, LABELS), sample_weight=weights)
    np.testing.assert_allclose(found(model, LABELS, weights), reported, rtol=1e-5)


@pytest.mark.parametrize("loss", ["mse", "mae", LOSSES.Huber()])
def test_a_number_an_example_costs_what_keras_reports(loss):
    model, numbers = model_of(loss, answers=1, activation=None), X[:, 0, 0]
    reported = model.test_on_batch(X, numbers[:, None])
    np.testing.assert_allclose(found(model, numbers, np.ones(BATCH)), reported, rtol=1e-5)


def test_a_number_at_every_step_costs_what_keras_reports():
    model, weights = model_of("mse", 1, None, return_sequences=True), np.asarray(weights_of(jnp.asarray(ASKED)))
    reported = model.test_on_batch(X, X[..., :1], sample_weight=weights)
    np.testing.assert_allclose(found(model, X[..., 0], weights), reported, rtol=1e-5)


def test_the_loss_is_that_of_the_variables_given_and_not_of_those_in_the_model():
    model = model_of("categorical_crossentropy")
    variables = variables_of(model)
    doubled = variables._replace(trainable=[2 * value for value in variables.trainable])
    there = found(model, LABELS[:, 0], np.ones(BATCH), doubled)
    for variable in model.trainable_variables:
        variable.assign(2 * variable.value)
    np.testing.assert_allclose(there, found(model, LABELS[:, 0], np.ones(BATCH)), rtol=1e-6)


def test_regularisers_have_a_gradient():
    model = model_of("mse", 1, None)
    variables = variables_of(model)

    def aux_loss(trainable):
        outcome = ForwardOutput(jnp.zeros((BATCH, 1)), variables.non_trainable, 0.0)
        given = variables._replace(trainable=trainable)
        return compiled_loss(model)(given, outcome, jnp.zeros(BATCH), jnp.ones(BATCH))

    kernel, recurrent_kernel, *_ = jax.grad(aux_loss)(variables.trainable)
    np.testing.assert_allclose(kernel, 2 * 0.01 * np.asarray(model.trainable_variables[0].value), rtol=1e-5)
    assert (np.asarray(recurrent_kernel) == 0).all()


def test_what_is_not_asked_for_costs_nothing():
    model, weights = model_of("categorical_crossentropy", return_sequences=True), weights_of(jnp.asarray(ASKED))
    others = np.where(ASKED, LABELS, (LABELS + 1) % CLASSES)
    assert found(model, LABELS, weights) == found(model, others, weights)


@given(arrays(bool, (3, 4)), arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=32)))
def test_the_weighted_mean_over_everything_is_the_mean_over_what_was_asked(asked, values):
    expected = values[asked].mean() if asked.any() else 0.0
    np.testing.assert_allclose((values * weights_of(jnp.asarray(asked))).mean(), expected, rtol=1e-4, atol=1e-4)


# Losses of one's own, tried on what they read


def sparse_function(labels, logits):
    return LOSSES.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def gathered(labels, probabilities):
    chosen = keras.ops.take_along_axis(probabilities, keras.ops.cast(labels, "int32"), axis=-1)
    return -keras.ops.log(chosen[..., 0])


def ignoring_class_0(labels, probabilities):
    labels = keras.ops.squeeze(labels, -1) if len(labels.shape) == len(probabilities.shape) else labels
    one_hot = keras.ops.one_hot(keras.ops.cast(labels, "int32"), CLASSES)
    losses = -keras.ops.sum(one_hot * keras.ops.log(probabilities), axis=-1)
    return keras.ops.where(labels > 0, losses, 0.0)


@keras.saving.register_keras_serializable()
class SparseLoss(LOSSES.Loss):
    def call(self, labels, logits):
        return keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


@keras.saving.register_keras_serializable()
class OneHotLoss(LOSSES.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.sum(keras.ops.square(y_true - y_pred), axis=-1)


READ_CLASSES = {"function": sparse_function, "gathered": gathered, "masked": ignoring_class_0, "class": SparseLoss()}


@pytest.mark.slow
@pytest.mark.parametrize("loss", READ_CLASSES.values(), ids=READ_CLASSES)
@pytest.mark.parametrize("batch", [BATCH, CLASSES], ids=["rows", "as many rows as classes"])
def test_a_loss_of_ones_own_around_a_sparse_one_is_given_classes(loss, batch):
    model = model_of(loss)
    labels = np.resize(LABELS[:, 0], batch)
    x = np.resize(X, (batch, TIME, FEATURES))
    reported = model.test_on_batch(x, labels[:, None])
    variables = variables_of(model)
    predictions, _ = model.stateless_call(*variables, jnp.asarray(x))
    outcome = ForwardOutput(predictions, variables.non_trainable, 0.0)
    cost = compiled_loss(model)(variables, outcome, jnp.asarray(labels), jnp.ones(batch))
    np.testing.assert_allclose(cost, np.ravel(reported)[0], rtol=1e-5)


@pytest.mark.parametrize("loss", [own_loss, OneHotLoss()], ids=["function", "class"])
def test_another_loss_of_ones_own_is_given_one_hot_vectors(loss):
    model = model_of(loss)
    reported = model.test_on_batch(X, np.eye(CLASSES, dtype="float32")[LABELS[:, 0]])
    np.testing.assert_allclose(found(model, LABELS[:, 0], np.ones(BATCH)), np.ravel(reported)[0], rtol=1e-5)


def test_one_output_is_given_whole_labels_as_they_are():
    model = model_of("binary_crossentropy", answers=1, activation="sigmoid")
    labels = LABELS[:, 0] % 2
    reported = model.test_on_batch(X, labels.astype("float32")[:, None])
    np.testing.assert_allclose(found(model, labels, np.ones(BATCH)), np.ravel(reported)[0], rtol=1e-5)


def test_a_vector_of_numbers_is_compared_with_a_vector():
    model = model_of("mse", activation=None)
    targets = RNG.normal(size=(BATCH, CLASSES)).astype("float32")
    reported = model.test_on_batch(X, targets)
    np.testing.assert_allclose(found(model, targets, np.ones(BATCH)), np.ravel(reported)[0], rtol=1e-5)


@keras.saving.register_keras_serializable()
class LooksAtInput(keras.Model):
    """A model whose loss looks at what it was given."""

    def __init__(self):
        super().__init__()
        self.recurrent, self.answer = LAYERS.LSTM(3), LAYERS.Dense(CLASSES, "softmax")

    def call(self, inputs):
        return self.answer(self.recurrent(inputs))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(LOSSES.categorical_crossentropy(y, y_pred)) + keras.ops.mean(keras.ops.square(x))


def test_a_loss_that_looks_at_the_input_is_given_it():
    model = LooksAtInput()
    model(X)
    model.compile("sgd", "categorical_crossentropy")
    reported = model.test_on_batch(X, np.eye(CLASSES, dtype="float32")[LABELS[:, 0]])
    variables = variables_of(model)
    predictions, _ = model.stateless_call(*variables, jnp.asarray(X))
    outcome = ForwardOutput(predictions, variables.non_trainable, 0.0)
    cost = compiled_loss(model)(variables, outcome, jnp.asarray(LABELS[:, 0]), jnp.ones(BATCH), jnp.asarray(X))
    np.testing.assert_allclose(cost, np.ravel(reported)[0], rtol=1e-5)
