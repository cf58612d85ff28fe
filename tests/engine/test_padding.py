"""Which models may be padded: each layer that is taken to honour the mask is held to it, with Keras as the oracle."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan.backend import keras
from memoryspan.engine import Variables, forward, unroll, variables_of
from memoryspan.engine.padding import CAUSAL, MERGES, RECURRENT, STEPWISE, may_read_padding
from memoryspan.errors import ModelError
from memoryspan.layers import LRU, CausalConv, CausalSelfAttention, LastStep, MinGRU, MinLSTM
from tests.messages import naming

LAYERS: Any = keras.layers
FEATURES, TIME, LENGTHS = 4, 7, (7, 2, 2, 7)

RUBBISH = np.nan


def after(*layers):
    """A model of these layers between a layer with biases, which makes padding differ from zero, and a mean."""
    x = start = keras.Input((None, FEATURES))
    x = LAYERS.Dense(FEATURES)(LAYERS.LayerNormalization()(x))  # normalised, so that it runs through Keras
    for layer in layers:
        x = layer(x)
    if len(x.shape) == 3:
        x = LAYERS.GlobalAveragePooling1D()(LAYERS.LSTM(3, return_sequences=True)(x))
    return keras.Model(start, LAYERS.Dense(2)(x))


def merged(kind):
    def call(x):
        return kind()([LAYERS.Dense(FEATURES)(x), x])

    return call


def both_ways(kind, **settings):
    return LAYERS.Bidirectional(kind(3, return_sequences=True), **settings)


HONOUR_THE_MASK: dict[str, Any] = {
    "Activation": lambda: LAYERS.Activation("softmax"),
    "BatchNormalization": LAYERS.BatchNormalization,
    "Dense": lambda: LAYERS.Dense(FEATURES, "tanh"),
    "Dropout": lambda: LAYERS.Dropout(0.5),
    "ELU": LAYERS.ELU,
    "GaussianDropout": lambda: LAYERS.GaussianDropout(0.5),
    "GaussianNoise": lambda: LAYERS.GaussianNoise(0.5),
    "Identity": LAYERS.Identity,
    "LayerNormalization": LAYERS.LayerNormalization,
    "LeakyReLU": LAYERS.LeakyReLU,
    "ReLU": LAYERS.ReLU,
    "Rescaling": lambda: LAYERS.Rescaling(2.0, 1.0),
    "SpatialDropout1D": lambda: LAYERS.SpatialDropout1D(0.5),
    "UnitNormalization": LAYERS.UnitNormalization,
    "CausalConv": lambda: CausalConv(FEATURES, 3, seed=0),
    "CausalSelfAttention": lambda: CausalSelfAttention(2, 2, seed=0),
    **{kind.__name__: lambda kind=kind: merged(kind) for kind in MERGES},
    **{f"{kind.__name__} once": lambda kind=kind: kind(3) for kind in RECURRENT},
    **{f"{kind.__name__} at every step": lambda kind=kind: kind(3, return_sequences=True) for kind in RECURRENT},
    **{f"{kind.__name__} backwards": lambda kind=kind: kind(3, go_backwards=True) for kind in RECURRENT},
    **{f"{kind.__name__} unrolled": lambda kind=kind: kind(3, unroll=True) for kind in RECURRENT},
    **{f"{kind.__name__} both ways": lambda kind=kind: both_ways(kind) for kind in RECURRENT},
    "both ways, once, summed": lambda: LAYERS.Bidirectional(LAYERS.GRU(3), merge_mode="sum"),
    "TimeDistributed": lambda: LAYERS.TimeDistributed(LAYERS.Dense(FEATURES, "relu")),
    "GlobalAveragePooling1D": LAYERS.GlobalAveragePooling1D,
    "LastStep": LastStep,
    **{kind.__name__: lambda kind=kind: kind(3, seed=0) for kind in (MinGRU, MinLSTM, LRU)},
    "MinGRU at every step": lambda: MinGRU(3, return_sequences=True, seed=0),
}


def with_random_weights(model):
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if "seed" not in variable.path:
            value = rng.normal(scale=0.5, size=variable.shape)
            variable.assign(np.abs(value) + 0.5 if "variance" in variable.path else value)
    return model


def ragged_rows():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(len(LENGTHS), TIME, FEATURES)).astype("float32")
    behind = np.arange(TIME) >= np.array(LENGTHS)[:, None]
    return np.where(behind[..., None], np.float32(RUBBISH), rows)


def test_every_layer_on_the_list_is_held_to_it():
    listed = {kind.__name__ for kind in (*STEPWISE, *CAUSAL, *MERGES, *RECURRENT)}
    assert listed <= {name.split()[0] for name in HONOUR_THE_MASK}


@pytest.fixture(params=HONOUR_THE_MASK)
def model(request):
    return with_random_weights(after(HONOUR_THE_MASK[request.param]()))


def test_a_layer_that_honours_the_mask_answers_and_learns_as_keras_does_from_each_row_alone(model):
    served, variables, rows = forward(model), variables_of(model), jnp.asarray(ragged_rows())
    assert (served.engine, served.ragged) == ("keras", True), served.reason

    def together(trainable, rows, lengths):
        outputs = served.apply(Variables(trainable, variables.non_trainable), rows, lengths).predictions
        return outputs.sum(), outputs

    def alone(trainable, row):
        (output,), _ = model.stateless_call(trainable, variables.non_trainable, row[None])
        return output.sum(), output

    gradient, outputs = jax.jit(jax.grad(together, has_aux=True))(variables.trainable, rows, jnp.array(LENGTHS))
    of_row = jax.jit(jax.grad(alone, has_aux=True))
    gradients, answers = zip(
        *(of_row(variables.trainable, row[:n]) for row, n in zip(rows, LENGTHS, strict=True)), strict=True
    )
    np.testing.assert_allclose(outputs, np.stack(answers), rtol=1e-4, atol=1e-5)
    for found, *apart in zip(gradient, *gradients, strict=True):
        np.testing.assert_allclose(found, sum(apart), rtol=1e-3, atol=1e-4)


def test_moments_of_a_batch_leave_padding_out_while_it_trains():
    model = with_random_weights(after(LAYERS.BatchNormalization(momentum=0.0)))
    rows, lengths = ragged_rows(), jnp.array(LENGTHS)
    outcome = forward(model, training=True).apply(variables_of(model), jnp.asarray(rows), lengths)
    names = [variable.name for variable in model.non_trainable_variables]
    before = keras.Sequential(model.layers[:3])
    steps = np.concatenate(
        [np.asarray(before(row[None, :length]))[0] for row, length in zip(rows, LENGTHS, strict=True)]
    )
    np.testing.assert_allclose(outcome.non_trainable[names.index("moving_mean")], steps.mean(0), rtol=1e-4, atol=1e-5)


def joined(x):
    return LAYERS.Concatenate(axis=1)([x, x])


def own_activation(x):
    return keras.ops.softmax(x, axis=1)


def masked(mask_value):
    return keras.Sequential([keras.Input((None, FEATURES)), LAYERS.Masking(mask_value), LAYERS.LSTM(3, unroll=True)])


MAY_READ_PADDING: dict[str, Any] = {
    "convolution": lambda: after(LAYERS.Conv1D(FEATURES, 3, padding="causal")),
    "maximum": lambda: after(LAYERS.GlobalMaxPooling1D()),
    "normalised over time": lambda: after(LAYERS.GroupNormalization(2)),
    "softmax over time": lambda: after(LAYERS.Softmax(axis=1)),
    "activation of one's own": lambda: after(LAYERS.Dense(FEATURES, own_activation)),
    "backwards at every step": lambda: after(LAYERS.LSTM(3, return_sequences=True, go_backwards=True)),
    "an operation": lambda: after(lambda x: x + 1),
    "a mean by hand": lambda: after(lambda x: keras.ops.mean(x, axis=1)),
    "steps joined": lambda: after(joined),
    "a model in it": lambda: after(keras.Sequential([LAYERS.Dense(FEATURES)])),
    "attention, which takes the mask off what it is given": lambda: after(
        lambda x: LAYERS.Add()([x, LAYERS.MultiHeadAttention(2, 2)(x, x)])
    ),
    "a mask of its own, of another value": lambda: masked(-1.0),
    "penalised activity": lambda: after(LAYERS.Dense(FEATURES, activity_regularizer="l2")),
    "a vector joined with a sequence": lambda: after(
        lambda x: LAYERS.Add()([x, LAYERS.LSTM(FEATURES, return_sequences=False)(x)[:, None]])
    ),
    "symbols": lambda: keras.Sequential(
        [keras.Input((None,)), LAYERS.Embedding(5, 6), LAYERS.LayerNormalization(), LAYERS.LSTM(4)]
    ),
    "numbers without an axis": lambda: keras.Sequential([keras.Input((6,)), LAYERS.Dense(4)]),
    "fixed length": lambda: keras.Sequential([keras.Input((6, 5)), LAYERS.Flatten(), LAYERS.Dense(4)]),
    "a class of one's own": lambda: OwnModel(),
}


@keras.saving.register_keras_serializable()
class OwnModel(keras.Model):
    """A class of one's own that passes the mask on; nobody can know that it does."""

    def __init__(self):
        super().__init__()
        self.recurrent = LAYERS.LSTM(3)
        self(np.zeros((1, 2, FEATURES), "float32"))

    def call(self, inputs):
        return self.recurrent(inputs)


@pytest.mark.parametrize("make", MAY_READ_PADDING.values(), ids=MAY_READ_PADDING)
def test_a_model_that_is_not_proved_to_ignore_padding_gets_none(make):
    model = make()
    served = forward(model)
    assert may_read_padding(model)
    assert may_read_padding(model) in served.reason
    assert not served.ragged
    assert served.width(5, 6) in (5, 6)


def test_rows_of_several_lengths_are_refused_where_they_would_be_padded():
    model = OwnModel()
    with pytest.raises(ModelError, match=naming(model.name, 2, 7)):
        forward(model).apply(variables_of(model), jnp.asarray(ragged_rows()), jnp.array(LENGTHS))


def test_padding_behind_rows_of_one_length_is_cut_off():
    model, rows = with_random_weights(OwnModel()), ragged_rows()
    found = forward(model).apply(variables_of(model), jnp.asarray(rows[:1]), jnp.array([2])).predictions
    np.testing.assert_allclose(found, np.asarray(model(rows[:1, :2])), rtol=1e-4, atol=1e-6)


def test_a_row_is_answered_as_alone_by_a_model_that_looks_across_rows():
    model = keras.Sequential([keras.Input((None, FEATURES)), LAYERS.LSTM(3), LAYERS.UnitNormalization(axis=[0, 1])])
    rows = np.random.default_rng(0).normal(size=(3, 5, FEATURES)).astype("float32")
    found = forward(model).apply(variables_of(model), jnp.asarray(rows), jnp.full(3, 5)).predictions
    for row, answer in zip(rows, found, strict=True):
        np.testing.assert_allclose(answer, np.asarray(model(row[None]))[0], rtol=1e-4, atol=1e-5)


LEAST = {
    "as many as the kernel": (lambda: after(LAYERS.Reshape((-1, 5 * FEATURES))), 3, 5),
    "multiples": (lambda: after(LAYERS.Reshape((-1, 5 * FEATURES))), 6, 10),
    "any": (lambda: after(LAYERS.Conv1D(3, 2, padding="same")), 3, 3),
    "the longest alone": (lambda: keras.Sequential([keras.Input((20, 5)), LAYERS.Flatten()]), 3, 20),
}


@pytest.mark.parametrize(("make", "asked", "taken"), LEAST.values(), ids=LEAST)
def test_the_next_length_that_a_model_takes_is_found(make, asked, taken):
    assert forward(make()).length_from(asked, 20) == taken


def test_a_least_length_that_is_far_off_is_found():
    least = 137
    served = forward(OwnModel())
    found = type(served)(**{**vars(served), "takes": lambda length: length >= least}).length_from(3, 1000)
    assert found == least


def test_a_step_that_is_not_defined_on_zeros_has_its_gradient_on_ragged_rows():
    def step(scale, state, x):
        return state + scale * x / jnp.linalg.norm(x, axis=-1, keepdims=True), None

    inputs = jnp.ones((4, 2, 3)).at[2:, 1].set(jnp.nan)

    def total(scale):
        last, _ = cast(tuple, unroll(step, scale, jnp.zeros((2, 3)), inputs, jnp.array([4, 2])))
        return last.sum()

    assert jax.grad(total)(2.0) == pytest.approx(6 * 3**0.5)
