"""What can be trained, what is refused, and what a person is told before and after."""

# pyright: reportArgumentType=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalOperand=false, reportAttributeAccessIssue=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import numpy as np
import pytest

from memoryspan import Budget, Echo, evaluate, held_span, train
from memoryspan.backend import keras
from memoryspan.engine import forward
from memoryspan.errors import ModelError
from memoryspan.training import Status
from memoryspan.training.trainable import notes
from tests.messages import names, naming

LAYERS = keras.layers
TASK = Echo(6, 6, 2)


@keras.saving.register_keras_serializable()
class Own(keras.Model):
    """An LSTM and an answer, as a class of one's own."""

    def __init__(self):
        super().__init__()
        self.memory, self.answer = LAYERS.LSTM(12), LAYERS.Dense(6, "softmax")

    def call(self, x):
        return self.answer(self.memory(x))


class OwnTrainStep(Own):
    def train_step(self, state, data):
        return {"loss": 0.0}, state


class OwnTestStep(Own):
    def test_step(self, state, data):
        return {"loss": 0.0}, state


class OwnFit(Own):
    def fit(self, *args, **kwargs):
        return super().fit(*args, **kwargs)


class OwnLoss(Own):
    """Minimises something else than it is compiled with, of the input."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        assert x.shape[1:] == (self.steps, 6)
        return keras.ops.mean(keras.losses.categorical_crossentropy(x[:, 2], y_pred))


def compiled(model, steps=6, optimizer=None):
    keras.utils.set_random_seed(0)
    if not model.built:
        model(np.zeros((1, steps, 6), "float32"))
    model.compile(optimizer or keras.optimizers.Adam(0.02), "categorical_crossentropy")
    return model


@pytest.mark.parametrize("kind", [OwnTrainStep, OwnTestStep, OwnFit])
def test_a_part_of_fit_of_its_own_is_refused_by_name(kind):
    (name,) = {"train_step", "test_step", "fit"} & set(vars(kind))
    with pytest.raises(ModelError, match=naming(name)):
        train(compiled(kind()), TASK)


def test_a_loss_put_into_one_model_alone_is_refused():
    model = compiled(Own())
    model.compute_loss = lambda *args, **kwargs: 0.0
    with pytest.raises(ModelError, match=naming(model.name, "compute_loss")):
        train(model, TASK)


def test_a_class_with_a_loss_of_its_own_is_trained_by_that():
    task = Echo(3, 6, 2)
    model = OwnLoss()
    model.steps = 3
    result = train(compiled(model, 3), task, seed=0, budget=Budget(examples=60_000))
    assert result.solved
    assert evaluate(model, task).value == result.accuracy.value == 1


def test_what_counts_as_mastered_is_the_model_without_its_dropout():
    layers = [LAYERS.LSTM(25, dropout=0.1), LAYERS.Dense(6, "softmax")]
    model = compiled(keras.Sequential([keras.Input((None, 6)), *layers]))
    assert train(model, TASK, seed=0, budget=Budget(examples=60_000)).solved


def test_where_the_budget_is_spent_layers_that_add_noise_are_named():
    layers = [LAYERS.GaussianNoise(0.1, name="noisy"), LAYERS.LSTM(2), LAYERS.Dense(6, "softmax")]
    model = compiled(keras.Sequential([keras.Input((None, 6)), *layers]))
    result = train(model, TASK, seed=0, budget=Budget(examples=320))
    assert result.status is Status.BUDGET
    assert any("noisy" in note for note in result.notes)
    assert not notes(model, TASK)


def windows(steps, width=4):
    layers = [LAYERS.Reshape((-1, 6 * width)), LAYERS.LSTM(16), LAYERS.Dense(6, "softmax")]
    return compiled(keras.Sequential([keras.Input((steps, 6)), *layers]))


def test_the_schedule_begins_at_the_least_length_that_the_model_takes_and_it_is_said():
    model, task = windows(None), Echo(12, 6, 2)
    result = train(model, task, seed=0, budget=Budget(examples=100_000))
    assert result.solved
    assert {row.length for row in result.history} <= {4, 8, 12}
    assert any(names(note, 4) for note in result.notes)


def test_a_model_of_the_tasks_length_alone_is_told_that_the_schedule_has_no_hold():
    found = notes(windows(8), Echo(8, 6, 2))
    assert any(names(note, 8) for note in found)
    assert notes(windows(None), Echo(4, 6, 2)) == notes(windows(4), Echo(4, 6, 2)) != ()


def test_a_model_without_a_least_length_is_told_nothing():
    assert notes(compiled(Own()), TASK) == ()


def test_a_length_that_the_model_does_not_take_is_refused():
    model = windows(None)
    for call in (train, evaluate):
        with pytest.raises(ModelError, match=naming(model.name, 10)):
            call(model, Echo(10, 6, 2))


def test_a_held_span_is_looked_for_at_the_lengths_that_a_model_takes():
    model = windows(None)
    train(model, Echo(8, 6, 2), seed=0, budget=Budget(examples=100_000))
    held = held_span(model, Echo(8, 6, 2), max_length=30)
    assert {accuracy.length % 4 for accuracy in held.curve} == {0}
    assert held.span.length >= 8
    assert forward(model).takes(held.span.length)


def test_an_embedding_smaller_than_the_symbols_is_refused_with_both_numbers():
    layers = [LAYERS.Embedding(4, 3), LAYERS.LSTM(4), LAYERS.Dense(6, "softmax")]
    model = compiled(keras.Sequential([keras.Input((None,)), *layers]))
    for call in (train, evaluate):
        with pytest.raises(ModelError, match=naming("Embedding", 4, "echo", 6)):
            call(model, TASK)


def test_answers_at_other_steps_than_the_task_asks_for_are_refused():
    from memoryspan.tasks import Parity

    layers = [LAYERS.Conv1D(8, 3, strides=2, padding="same"), LAYERS.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((None, 2)), *layers])
    model.compile("adam", "categorical_crossentropy")
    for call in (train, evaluate):
        with pytest.raises(ModelError, match=naming(model.name, 4, 8)):
            call(model, Parity(8))
