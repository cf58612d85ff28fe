# pyright: reportArgumentType=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import os
import subprocess
import sys

import numpy as np
import pytest

from memoryspan import Echo, lstm
from memoryspan.backend import keras
from memoryspan.models import MODELS


def weights(model):
    return [np.asarray(variable.value) for variable in model.weights]


def test_it_has_the_tutorials_parameters():
    model = lstm(Echo())
    assert [layer.count_params() for layer in model.layers] == [12_600, 2_600]
    assert model.input_shape == (None, None, 100)
    assert model.output_shape == (None, 100)


def test_it_is_an_ordinary_keras_model_and_compiled():
    model = lstm(Echo(), learning_rate=0.02, global_clipnorm=0.5)
    assert type(model) is keras.Sequential
    assert model.loss == "categorical_crossentropy"
    assert model.optimizer.global_clipnorm == 0.5
    assert float(model.optimizer.learning_rate) == pytest.approx(0.02)


@pytest.mark.parametrize("units", [1, 7])
def test_units_are_its_memory_cells(units):
    assert lstm(Echo(5, 4, 1), units=units).get_layer("lstm").units == units


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, again, other = (weights(lstm(Echo(5, 4, 1), units=3, seed=seed)) for seed in (7, 7, 8))
    assert all((one == another).all() for one, another in zip(first, again, strict=True))
    kernels = [(one, another) for one, another in zip(first, other, strict=True) if one.ndim == 2]
    assert len(kernels) == 3
    assert all((one != another).all() for one, another in kernels)


def test_without_a_seed_every_model_is_another():
    first, other = (weights(lstm(Echo(5, 4, 1), units=3))[0] for _ in range(2))
    assert (first != other).all()


def test_it_takes_sequences_of_any_length():
    model = lstm(Echo(5, 4, 1), units=3)
    assert [model(np.zeros((2, length, 4))).shape for length in (1, 9)] == [(2, 4), (2, 4)]


def test_it_is_found_by_its_name():
    assert MODELS["lstm"] is lstm


OPEN = """
import sys, numpy, keras
model = keras.models.load_model(sys.argv[1])
numpy.save(sys.argv[2], numpy.asarray(model.predict(numpy.load(sys.argv[3]), verbose=0)))
assert keras.config.backend() == "numpy" and not any(name.startswith("memoryspan") for name in sys.modules)
"""


@pytest.mark.slow
def test_saved_it_opens_in_keras_without_this_package_and_on_another_backend(tmp_path):
    model = lstm(Echo(5, 4, 1), units=3, seed=0)
    x = np.eye(4, dtype="float32")[[[0, 1, 2, 3, 0], [3, 3, 1, 2, 2]]]
    files = [tmp_path / name for name in ("model.keras", "found.npy", "x.npy")]
    model.save(files[0])
    np.save(files[2], x)
    environment = {**os.environ, "KERAS_BACKEND": "numpy", "PYTHONPATH": ""}
    subprocess.run([sys.executable, "-c", OPEN, *files], env=environment, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(files[1]), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
