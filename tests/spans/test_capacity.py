# pyright: reportArgumentType=false
import pytest

from memoryspan import Budget, lstm, train
from memoryspan.backend import keras
from memoryspan.errors import ModelError
from memoryspan.spans.capacity import memory_capacity
from memoryspan.tasks import Delay, Echo
from tests.messages import naming


def shift_register(steps, n_symbols=3):
    """A network whose states are its last symbols, one-hot, and nothing else: its capacity is their number."""
    units = n_symbols * steps
    layer = keras.layers.SimpleRNN(units, activation="linear", use_bias=False, return_sequences=True)
    model = keras.Sequential([keras.Input((None, n_symbols)), layer, keras.layers.Dense(n_symbols)])
    kernel = keras.ops.eye(n_symbols, units)
    recurrent_kernel = keras.ops.eye(units, k=n_symbols)
    layer.set_weights([kernel, recurrent_kernel])
    return model


@pytest.mark.parametrize("steps", [1, 2, 5, 11])
def test_a_network_that_holds_the_last_symbols_has_their_number_as_its_capacity(steps):
    # Its states are the present symbol, which is not counted, and those before.
    assert memory_capacity(shift_register(steps)) == pytest.approx(steps - 1, abs=0.05)


def test_a_network_without_a_state_has_none():
    layers = [keras.Input((None, 3)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(3, "softmax")]
    assert memory_capacity(keras.Sequential(layers)) == pytest.approx(0, abs=0.02)


def test_training_on_a_delay_changes_what_is_held():
    task = Delay(length=8, n_features=3, delay=2)
    model = lstm(task, units=10, seed=0)
    before = memory_capacity(model)
    train(model, task, seed=0, budget=Budget(examples=20_000))
    assert memory_capacity(model) != before
    assert memory_capacity(model) > 1.5


def test_the_same_seed_gives_the_same_figure():
    model = lstm(Delay(length=8, n_features=3, delay=2), units=6, seed=0)
    assert memory_capacity(model, seed=1) == memory_capacity(model, seed=1)


def test_a_model_that_answers_once_is_refused():
    model = lstm(Echo(8, 4, 1))
    with pytest.raises(ModelError, match=naming(model.name, "lstm(Delay())")):
        memory_capacity(model)
