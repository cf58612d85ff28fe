"""Gates that begin with memories of every length, asked of Keras's own cells."""

# pyright: reportArgumentType=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import stats

from memoryspan import Echo, predict
from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.models import MODELS
from memoryspan.spec import call, parse
from tests.messages import naming

TASK, T_MAX = Echo(5, 4, 1), 50

every_model = pytest.mark.parametrize("name", ["lstm", "gru"])
every_shape = pytest.mark.parametrize(
    ("settings", "count"),
    [({}, 1), ({"layers": 3}, 3), ({"bidirectional": True}, 2), ({"bidirectional": True, "layers": 2}, 4)],
)


def built(name, **settings):
    return MODELS[name](TASK, **{"units": 6, "chrono": T_MAX, "seed": 0, **settings})


def cells(model):
    pairs = [
        (layer.forward_layer, layer.backward_layer) if isinstance(layer, keras.layers.Bidirectional) else (layer,)
        for layer in model.layers[:-1]
    ]
    return [layer.cell for pair in pairs for layer in pair]


def kept(cell):
    """What is left of a state of 1 after a step in which nothing but the gates' biases acts."""
    return stepped(cell, 1, candidate=0)


def written(cell):
    """What is in a state of 0 after a step whose candidate is 1."""
    return stepped(cell, 0, candidate=20)  # of which the tanh is 1


def stepped(cell, state, candidate):
    """The state after one step of Keras: an LSTM's cells, a GRU's answer."""
    for kernel in (cell.kernel, cell.recurrent_kernel):
        kernel.assign(np.zeros(kernel.shape))
    bias = np.array(cell.bias.value)
    bias[..., 2 * cell.units : 3 * cell.units] = candidate
    cell.bias.assign(bias)
    _, states = cell(np.zeros((1, cell.kernel.shape[0])), [zeros + state for zeros in cell.get_initial_state(1)])
    return np.asarray(states[-1], np.float64)[0]


@every_model
@every_shape
def test_every_layer_and_direction_keeps_between_a_half_and_all_but_the_share_of_the_longest_time(
    name, settings, count
):
    found = [kept(cell) for cell in cells(built(name, **settings))]
    assert len(found) == count
    assert all((one >= 0.5).all() and (one <= 1 - 1 / T_MAX + 1e-6).all() for one in found)
    assert len({one.tobytes() for one in found}) == count


@pytest.mark.slow
@every_model
def test_units_keep_for_times_that_are_uniform_up_to_the_longest(name):
    (cell,) = cells(built(name, units=400))
    comparison: Any = stats.kstest(1 / (1 - kept(cell)), stats.uniform(2, T_MAX - 2).cdf)
    assert comparison.pvalue > 0.01


@every_model
def test_what_a_unit_writes_is_the_share_that_it_does_not_keep(name):
    (cell,) = cells(built(name))
    np.testing.assert_allclose(kept(cell) + written(cell), 1, rtol=1e-6)


@every_model
@every_shape
def test_all_other_weights_are_those_without_it(name, settings, count):
    model, without = built(name, **settings), built(name, **settings, chrono=None)
    for variable, other in zip(model.weights, without.weights, strict=True):
        if variable.name != "bias" or "answer" in variable.path:
            np.testing.assert_array_equal(variable.value, other.value)
    for cell, other in zip(cells(model), cells(without), strict=True):
        changed = np.asarray(cell.bias.value) != np.asarray(other.bias.value)
        assert changed.sum() == {"lstm": 2, "gru": 1}[name] * cell.units


@every_model
def test_the_same_seed_gives_the_same_gates_and_another_seed_others(name):
    first, again, other = (kept(*cells(built(name, seed=seed))) for seed in (7, 7, 8))
    assert (first == again).all()
    assert (first != other).all()


def test_it_is_a_setting_by_name_where_there_are_gates():
    named = parse("gru,chrono=2000")
    model = call(MODELS["gru"], named.name, {"task": TASK, "seed": 0, **named.settings})
    assert kept(*cells(model)).max() > 0.99
    with pytest.raises(TaskError, match=naming("simple_rnn", "chrono")):
        call(MODELS["simple_rnn"], "simple_rnn", {"task": TASK, **named.settings})


OPEN = """
import json, sys, keras
model = keras.models.load_model(sys.argv[1])
print(json.dumps(model(keras.ops.one_hot([[0, 1, 2, 3, 0]], 4)).tolist()))
assert not any(name.startswith("memoryspan") for name in sys.modules)
"""


@pytest.mark.slow
@every_model
def test_saved_it_opens_in_keras_without_this_package(name, tmp_path):
    model = built(name, layers=2, bidirectional=True)
    model.save(tmp_path / "model.keras")
    environment = {**os.environ, "KERAS_BACKEND": "numpy", "PYTHONPATH": ""}
    command = [sys.executable, "-c", OPEN, tmp_path / "model.keras"]
    opened = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    expected = predict(model, [0, 1, 2, 3, 0], probabilities=True)
    np.testing.assert_allclose(json.loads(opened.stdout)[0], expected, rtol=1e-5, atol=1e-6)
