"""The tutorial's network: one LSTM and one dense layer."""

from typing import Any

import numpy as np

from memoryspan import machine
from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.models.initial import glorot_uniform, orthogonal
from memoryspan.tasks import Task
from memoryspan.validate import whole_number


def lstm(
    task: Task,
    *,
    units: int = 25,
    learning_rate: float = 1e-2,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """LSTM(units) and a dense layer that fits the task's answer, compiled, for sequences of any length.

    On `Echo()` these are the tutorial's 12,600 + 2,600 parameters. The learning rate is ten times Adam's default, and
    the gradient is clipped (by its global norm) to make that safe: a choice for speed, not what makes it learn.

    Raises:
        TaskError: `units` or `learning_rate` makes no sense, or the model does not fit into memory.
    """
    whole_number("units", units, at_least=1, instead="25, for example")
    if not 0 < learning_rate < float("inf"):
        raise TaskError(f"learning_rate must be a number above 0, got {learning_rate!r}: use 0.01, for example.")
    parameters = 4 * units * (task.n_features + units + 1) + task.n_outputs * (units + 1)
    machine.require_memory(
        machine.TRAINED_PARAMETER * parameters,
        f"To train {parameters:,} parameters with Adam",
    )
    recurrent = keras.layers.LSTM(
        units,
        return_sequences=task.asks == "every step",
        kernel_initializer="zeros",
        recurrent_initializer="zeros",
        seed=0,  # of a dropout that it does not have; a variable all the same, and so a part of the same bits
        name="lstm",
    )
    answer = keras.layers.Dense(task.n_outputs, task.activation, kernel_initializer="zeros", name="answer")
    model = keras.Sequential([keras.Input((None, task.n_features)), recurrent, answer], name="vanilla_lstm")
    _draw_weights(recurrent, answer, np.random.default_rng(seed))
    optimizer = keras.optimizers.Adam(learning_rate, global_clipnorm=global_clipnorm)
    model.compile(optimizer, task.loss, metrics=["accuracy"])
    return model


def _draw_weights(recurrent: keras.layers.LSTM, answer: keras.layers.Dense, rng: np.random.Generator) -> None:
    """Keras's default initial weights, and in the configuration the default initializers that stand for them."""
    cell: Any = recurrent.cell
    dense: Any = answer
    cell.kernel.assign(glorot_uniform(rng, cell.kernel.shape))
    cell.recurrent_kernel.assign(orthogonal(rng, cell.recurrent_kernel.shape))
    dense.kernel.assign(glorot_uniform(rng, dense.kernel.shape))
    cell.kernel_initializer = keras.initializers.get("glorot_uniform")
    cell.recurrent_initializer = keras.initializers.get("orthogonal")
    dense.kernel_initializer = keras.initializers.get("glorot_uniform")
