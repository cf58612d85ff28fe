"""Small models of several kinds, and what they read."""

# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportOperatorIssue=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from memoryspan.backend import keras
from memoryspan.engine import forward, variables_of

LAYERS = keras.layers
TIME, FEATURES, UNITS, ANSWERS = 6, 5, 3, 4
RAGGED, FULL = (TIME, 2, 2), (TIME, TIME, TIME)


def layer(kind, *args, **settings):
    """A layer to be: it is built anew for each model."""
    return partial(kind, *args, **settings)


def recurrent(kind, **settings):
    return layer(getattr(LAYERS, kind), UNITS, **settings)


def answer(activation="softmax"):
    return layer(LAYERS.Dense, ANSWERS, activation)


EVERY_STEP = {"return_sequences": True}


class OwnModel(keras.Model):
    """Does not know of masks, drops out, normalises and adds to the loss."""

    def __init__(self):
        super().__init__(name="own")
        self.memory = LAYERS.LSTM(UNITS)
        self.dropout = LAYERS.Dropout(0.5)
        self.norm = LAYERS.BatchNormalization()
        self.answer = LAYERS.Dense(ANSWERS, "softmax", kernel_regularizer="l2")

    def call(self, x, training=False):
        hidden = self.norm(self.dropout(self.memory(x), training=training), training=training)
        self.add_loss(0.1 * keras.ops.mean(hidden**2))
        return self.answer(hidden)


def own_model(time=None):
    model = OwnModel()
    model(keras.KerasTensor((None, time, FEATURES)))
    model.compile("sgd", "categorical_crossentropy")
    return model


def two_branches(time=None):
    start = keras.Input((time, FEATURES))
    return keras.Model(start, LAYERS.Concatenate()([LAYERS.LSTM(UNITS)(start), LAYERS.GRU(UNITS)(start)]))


MASKING_EMBEDDING = layer(LAYERS.Embedding, FEATURES, 4, mask_zero=True)


def chain(*layers, time=None):
    def build(time=time):
        start = (time,) if layers[0] is MASKING_EMBEDDING else (time, FEATURES)
        return keras.Sequential([keras.Input(start), *[make() for make in layers]])

    return build


TOKENS = np.random.default_rng(2).integers(0, FEATURES, (3, TIME))


def apply_to(model, lengths=None, tokens=TOKENS, training=False):
    """Return the output for rows of several lengths, where the model takes those in one batch; else for full ones."""
    served = forward(model, training=training)
    assert served.engine == "keras"
    lengths = lengths or (RAGGED if served.ragged else FULL)
    return served.apply(variables_of(model), jnp.asarray(tokens), jnp.array(lengths))


def one_hot(tokens):
    return np.eye(FEATURES, dtype="float32")[tokens]


def assert_close(these, others):
    """Equal within the rounding of float32."""

    def close(this, other):
        scale = max(1.0, float(np.abs(other).max(initial=0)))
        np.testing.assert_allclose(this, other, rtol=1e-4, atol=1e-5 * scale)

    jax.tree.map(close, these, others)
