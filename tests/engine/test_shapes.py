"""What a model takes and gives, and the models of which that is not known."""

# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportOperatorIssue=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import pytest

from memoryspan.backend import keras
from memoryspan.engine import forward
from memoryspan.engine.shapes import input_shape, output_shape
from memoryspan.errors import ModelError
from tests.engine.small_models import (
    ANSWERS,
    FEATURES,
    LAYERS,
    TIME,
    TOKENS,
    UNITS,
    OwnModel,
    one_hot,
    own_model,
    two_branches,
)
from tests.messages import naming


@pytest.mark.parametrize("time", [None, TIME])
def test_a_model_of_any_kind_tells_its_shapes(time):
    for build, answers in ((own_model, ANSWERS), (two_branches, 2 * UNITS)):
        assert input_shape(build(time)) == (None, None if build is own_model else time, FEATURES)
        assert output_shape(build(time)) == (None, answers)


def test_a_model_that_was_called_once_takes_the_features_of_that_call_and_any_length():
    model = OwnModel()
    model(one_hot(TOKENS))
    assert input_shape(model) == (None, None, FEATURES)


class Flattening(keras.Model):
    """Takes the length that it was built on, and no other."""

    def __init__(self):
        super().__init__()
        self.flat, self.answer = LAYERS.Flatten(), LAYERS.Dense(ANSWERS)

    def call(self, x):
        return self.answer(self.flat(x))


def test_a_model_of_ones_own_that_takes_one_length_tells_it():
    model = Flattening()
    model(one_hot(TOKENS))
    assert input_shape(model) == (None, TIME, FEATURES)


def two_inputs():
    starts = keras.Input((None, 2)), keras.Input((None, 3))
    return keras.Model(starts, LAYERS.Concatenate()([LAYERS.GRU(2)(start) for start in starts]))


@pytest.mark.parametrize("build", [OwnModel, keras.Sequential, two_inputs])
def test_a_model_without_one_known_input_is_refused_with_a_sentence(build):
    model = build()
    with pytest.raises(ModelError, match=naming(model.name, "(batch, time, features)")):
        forward(model)


def test_two_outputs_are_refused():
    start = keras.Input((None, FEATURES))
    model = keras.Model(start, [LAYERS.LSTM(2)(start), LAYERS.GRU(2)(start)])
    with pytest.raises(ModelError, match=naming(model.name, 2)):
        output_shape(model)


class Branching(keras.Model):
    """Runs in Keras with run_eagerly=True, and nowhere else."""

    def __init__(self):
        super().__init__()
        self.memory, self.answer = LAYERS.LSTM(UNITS), LAYERS.Dense(ANSWERS)

    def call(self, x):
        hidden = self.memory(x)
        return self.answer(hidden * 0.5 if float(keras.ops.max(hidden)) > 0.5 else hidden)


@pytest.mark.parametrize("built", [False, True])
def test_a_model_that_branches_on_a_value_is_told_that_it_cannot_be_compiled(built):
    model = Branching()
    model(one_hot(TOKENS))
    if built:
        model.build((None, TIME, FEATURES))
    with pytest.raises(ModelError, match=naming(model.name, "if x > 0", "keras.ops.where", "keras.ops.cond")):
        output_shape(model)
