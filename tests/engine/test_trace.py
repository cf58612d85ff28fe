"""What is traced beside what Keras itself gives, layer by layer, on the same weights."""

# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportAttributeAccessIssue=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryspan.backend import keras
from memoryspan.engine import variables_of
from memoryspan.engine.trace import prefix_predictions, traced
from memoryspan.layers import LRU, MinGRU, MinLSTM

LAYERS = keras.layers
FEATURES, UNITS, TIME = 4, 3, 5

STATES = {"return_sequences": True, "return_state": True}
OTHERS = {"activation": "relu", "recurrent_activation": "hard_sigmoid"}

MAKES = {
    "lstm": lambda: LAYERS.LSTM(UNITS, **STATES),
    "lstm without biases": lambda: LAYERS.LSTM(UNITS, use_bias=False, **STATES),
    "lstm with other activations": lambda: LAYERS.LSTM(UNITS, **OTHERS, **STATES),
    "gru": lambda: LAYERS.GRU(UNITS, **STATES),
    "gru, reset before": lambda: LAYERS.GRU(UNITS, reset_after=False, **STATES),
    "gru without biases": lambda: LAYERS.GRU(UNITS, use_bias=False, **STATES),
    "gru with other activations": lambda: LAYERS.GRU(UNITS, **OTHERS, **STATES),
    "simple rnn": lambda: LAYERS.SimpleRNN(UNITS, **STATES),
    "simple rnn with an activation of one's own": lambda: LAYERS.SimpleRNN(UNITS, keras.ops.sin, **STATES),
}


@lru_cache
def answering_in_full(name, backwards, masked):
    """A model of one recurrent layer that hands on its states, and that layer's name."""
    layer = MAKES[name]()
    layer.go_backwards = backwards
    start = keras.Input((TIME, FEATURES))
    model = keras.Model(start, layer(LAYERS.Masking()(start) if masked else start))
    return model, jax.jit(traced(model, ragged=False))


def randomised(model, seed=0):
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(scale=0.7, size=variable.shape))
    return model


def sequences(seed=0, rows=2):
    return np.random.default_rng(seed).normal(size=(rows, TIME, FEATURES)).astype("float32")


def traces_of(model, x, lengths=None):
    lengths = jnp.full(len(x), x.shape[1]) if lengths is None else jnp.asarray(lengths)
    _, layers = traced(model, ragged=bool((lengths < x.shape[1]).any()))(variables_of(model), jnp.asarray(x), lengths)
    return layers


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=2e-6)


@settings(max_examples=20)
@given(name=st.sampled_from(sorted(MAKES)), backwards=st.booleans(), masked=st.booleans(), seed=st.integers(0, 99))
def test_the_states_are_those_that_keras_returns(name, backwards, masked, seed):
    model, run = answering_in_full(name, backwards, masked)
    randomised(model, seed)
    x = sequences(seed)
    x[0, :2] = x[1, 3] = 0
    whole, *last = model(x)
    _, (found,) = run(variables_of(model), jnp.asarray(x), jnp.full(2, TIME))
    arrays = {key: array[:, ::-1] if backwards else array for key, array in found.arrays.items()}
    close(arrays["hidden"], whole)
    close(arrays["hidden"][:, -1], last[0])
    if "lstm" in name:
        close(arrays["cell"][:, -1], last[1])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_the_gates_of_an_lstm_are_those_of_its_equations_in_numpy():
    layer = LAYERS.LSTM(UNITS)
    model = randomised(keras.Sequential([keras.Input((TIME, FEATURES)), layer]))
    kernel, recurrent_kernel, bias = map(np.asarray, layer.get_weights())
    x = sequences()
    (found,) = traces_of(model, x)
    assert list(found.arrays) == ["input", "forget", "candidate", "output", "cell", "hidden"]
    hidden = cell = np.zeros((len(x), UNITS))
    for t in range(TIME):
        i, f, g, o = np.split(x[:, t] @ kernel + hidden @ recurrent_kernel + bias, 4, axis=-1)
        gates = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        cell = gates[1] * cell + gates[0] * gates[2]
        hidden = gates[3] * np.tanh(cell)
        for name, expected in zip(found.arrays, (*gates, cell, hidden), strict=True):
            close(found.arrays[name][:, t], expected)


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_gates_of_a_gru_are_those_of_its_equations_in_numpy(reset_after):
    layer = LAYERS.GRU(UNITS, reset_after=reset_after)
    model = randomised(keras.Sequential([keras.Input((TIME, FEATURES)), layer]))
    kernel, recurrent_kernel, bias = map(np.asarray, layer.get_weights())
    of_x, of_h = bias if reset_after else (bias, np.zeros_like(bias))
    x = sequences()
    (found,) = traces_of(model, x)
    assert list(found.arrays) == ["update", "reset", "candidate", "hidden"]
    for t in range(TIME):
        before = np.asarray(found.arrays["hidden"])[:, t - 1] if t else np.zeros((len(x), UNITS))
        x_z, x_r, x_g = np.split(x[:, t] @ kernel + of_x, 3, axis=-1)
        h_z, h_r, h_g = np.split(before @ recurrent_kernel + of_h, 3, axis=-1)
        reset = sigmoid(x_r + h_r)
        h_g = reset * h_g if reset_after else (reset * before) @ recurrent_kernel[:, 2 * UNITS :]
        for name, expected in (("update", sigmoid(x_z + h_z)), ("reset", reset), ("candidate", np.tanh(x_g + h_g))):
            close(found.arrays[name][:, t], expected)


@pytest.mark.slow
def test_both_directions_and_every_layer_of_a_stack_are_traced_in_the_order_of_the_sequence():
    both = LAYERS.Bidirectional(LAYERS.LSTM(UNITS, return_sequences=True, name="lstm"))
    model = randomised(keras.Sequential([keras.Input((TIME, FEATURES)), both, LAYERS.GRU(2, name="gru")]))
    x = sequences()
    forward, backward, gru = traces_of(model, x)
    assert [one.name for one in (forward, backward, gru)] == ["forward_lstm", "backward_lstm", "gru"]
    close(np.concatenate([forward.arrays["hidden"], backward.arrays["hidden"]], -1), both(x))
    close(gru.arrays["hidden"][:, -1], model(x))


@pytest.mark.slow
def test_stacked_cells_are_traced_one_by_one_and_a_cell_of_ones_own_tells_its_states():
    class Mean(LAYERS.Layer):
        state_size = (FEATURES, 1)
        output_size = FEATURES

        def call(self, x, states):
            total, count = states
            return (total + x) / (count + 1), [total + x, count + 1]

    stack = LAYERS.RNN([LAYERS.GRUCell(UNITS), LAYERS.LSTMCell(2)], return_sequences=True)
    model = randomised(
        keras.Sequential([keras.Input((TIME, FEATURES)), LAYERS.RNN(Mean(), return_sequences=True), stack])
    )
    x = sequences()
    mean, gru, lstm = traces_of(model, x)
    assert [one.kind for one in (mean, gru, lstm)] == ["Mean", "GRU", "LSTM"]
    assert list(mean.arrays) == ["answer", "state 1", "state 2"]
    close(mean.arrays["answer"], np.cumsum(x, 1) / np.arange(1, TIME + 1)[:, None])
    close(lstm.arrays["hidden"], model(x))
    assert gru.arrays["update"].shape == (2, TIME, UNITS)


def test_an_initial_state_that_is_handed_over_is_the_one_that_the_walk_begins_with():
    start = keras.Input((TIME, FEATURES))
    _, *state = LAYERS.LSTM(UNITS, return_state=True)(start)
    model = randomised(keras.Model(start, LAYERS.LSTM(UNITS, return_sequences=True)(start, initial_state=state)))
    x = sequences()
    close(traces_of(model, x)[1].arrays["hidden"], model(x))


def test_a_stateful_layer_goes_on_from_its_state_and_keeps_it():
    layer = LAYERS.GRU(UNITS, stateful=True, return_sequences=True)
    model = randomised(keras.Sequential([keras.Input(batch_shape=(2, TIME, FEATURES)), layer]))
    x = sequences()
    model(x)
    before = np.asarray(layer.states[0])
    (found,) = traces_of(model, x)
    np.testing.assert_array_equal(layer.states[0], before)
    close(found.arrays["hidden"], model(x))


def test_a_model_of_ones_own_class_is_traced_each_call_of_a_layer_by_itself():
    class Twice(keras.Model):
        def __init__(self):
            super().__init__()
            self.memory = LAYERS.LSTM(FEATURES, return_sequences=True, name="memory")

        def call(self, x):
            return self.memory(self.memory(x))

    model = Twice()
    x = sequences()
    expected = model(x)
    one, two = traces_of(model, x)
    assert (one.name, two.name) == ("memory", "memory (2)")
    close(two.arrays["hidden"], expected)
    assert "call" not in vars(model.memory)


def test_a_layer_of_ones_own_shows_what_its_hook_returns():
    class Sum(LAYERS.Layer):
        def call(self, x):
            return keras.ops.sum(x, 1)

        def trace_states(self, x, mask):
            return {"so far": keras.ops.cumsum(x, 1)}

    x = sequences()
    (found,) = traces_of(keras.Sequential([keras.Input((TIME, FEATURES)), Sum(name="adder")]), x)
    assert (found.name, found.kind) == ("adder", "Sum")
    close(found.arrays["so far"], np.cumsum(x, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (MinGRU, ["update", "candidate", "hidden"]),
        (MinLSTM, ["input", "forget", "candidate", "hidden"]),
        (LRU, ["real part", "imaginary part"]),
    ],
)
def test_the_packages_own_layers_have_the_hook(kind, names):
    layer = kind(UNITS, return_sequences=True)
    model = randomised(keras.Sequential([keras.Input((TIME, FEATURES)), layer]))
    x = sequences()
    (found,) = traces_of(model, x)
    assert list(found.arrays) == names
    state = tuple(found.arrays[name] for name in names[-len(layer.one) :])
    close(layer.read(state, x), model(x))


def test_a_step_that_the_model_masks_keeps_the_state_and_has_no_gates():
    model = randomised(keras.Sequential([keras.Input((TIME, FEATURES)), LAYERS.Masking(), LAYERS.LSTM(UNITS)]))
    x = sequences()
    x[:, 2] = 0
    (found,) = traces_of(model, x)
    close(found.arrays["cell"][:, 2], found.arrays["cell"][:, 1])  # XLA may compute one state twice, for two places
    assert np.isnan(found.arrays["forget"]).all(-1)[0].tolist() == [False, False, True, False, False]


def test_past_a_rows_length_there_is_nothing_and_before_it_what_the_row_alone_gives():
    both = LAYERS.Bidirectional(LAYERS.LSTM(UNITS))
    model = randomised(keras.Sequential([keras.Input((None, FEATURES)), both]))
    x = sequences()
    for together, alone in zip(traces_of(model, x, [TIME, 2]), traces_of(model, x[1:, :2]), strict=True):
        for name, array in together.arrays.items():
            close(array[1, :2], alone.arrays[name][0])
            assert np.isnan(array[1, 2:]).all()


def test_a_layer_in_half_precision_is_traced_as_it_computes():
    layer = LAYERS.LSTM(UNITS, return_sequences=True, dtype="mixed_bfloat16")
    model = randomised(keras.Sequential([keras.Input((TIME, FEATURES)), layer]))
    x = sequences()
    (found,) = traces_of(model, x)
    np.testing.assert_allclose(
        np.asarray(found.arrays["hidden"], np.float32), np.asarray(model(x), np.float32), atol=0.03
    )


def test_only_a_chain_that_does_not_look_ahead_answers_at_every_step_at_once():
    def chain(*layers):
        return keras.Sequential([keras.Input((TIME, FEATURES)), *layers])

    assert prefix_predictions(chain(LAYERS.LSTM(2), LAYERS.Dense(3))) is not None
    assert prefix_predictions(chain(LAYERS.LSTM(2, go_backwards=True), LAYERS.Dense(3))) is None
    assert prefix_predictions(chain(LAYERS.Bidirectional(LAYERS.LSTM(2)))) is None
    assert prefix_predictions(chain(LAYERS.Conv1D(2, 3), LAYERS.LSTM(2))) is None
