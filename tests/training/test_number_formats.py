"""Models of other number formats, and JAX with 64 bits, learn as in 32 bits."""

import os
import subprocess
import sys

import pytest

from memoryspan import Budget, Echo, evaluate, train
from memoryspan.backend import keras

SCRIPT = """
import sys
from memoryspan import Budget, Echo, evaluate, lstm, train
from memoryspan.backend import keras

layers, task = keras.layers, Echo(4, 8)
def through_keras(dtype):
    keras.utils.set_random_seed(0)
    norm, answer = layers.LayerNormalization(dtype=dtype), layers.Dense(8, "softmax", dtype=dtype)
    parts = [layers.LSTM(12, dtype=dtype), norm, answer]
    model = keras.Sequential([keras.Input((None, 8)), *parts])
    model.compile(keras.optimizers.Adam(0.02), "categorical_crossentropy")
    return model
for model in (lstm(task, units=12, seed=0), *map(through_keras, sys.argv[1:])):
    result = train(model, task, seed=0, budget=Budget(examples=60_000))
    print(result.status, evaluate(model, task).value == result.accuracy.value == 1.0)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("bits", "dtypes"), [("0", ["float32"]), ("1", ["float32", "float64"])])
def test_it_learns_whatever_jax_takes_for_the_width_of_a_number(bits, dtypes):
    environment = os.environ | {"JAX_ENABLE_X64": bits}
    ran = subprocess.run([sys.executable, "-c", SCRIPT, *dtypes], env=environment, capture_output=True, text=True)
    assert ran.stdout.splitlines() == ["solved True"] * (1 + len(dtypes)), ran.stderr


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_a_model_of_half_precision_learns(dtype):
    keras.utils.set_random_seed(0)
    layers, task = keras.layers, Echo(4, 8)
    parts = [layers.LSTM(12, dtype=dtype), layers.Dense(8, "softmax", dtype="float32")]
    model = keras.Sequential([keras.Input((None, 8)), *parts])
    model.compile(keras.optimizers.Adam(0.02), "categorical_crossentropy")
    assert train(model, task, seed=0, budget=Budget(examples=60_000)).solved
    assert evaluate(model, task).value > 0.98
