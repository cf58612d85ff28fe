"""The steps that every builder shares: a check of the size, the answer, the weights and the optimizer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from memoryspan import machine
from memoryspan.backend import global_state, keras
from memoryspan.layers import LastStep
from memoryspan.layers.initializers import glorot_uniform, orthogonal
from memoryspan.tasks import Task
from memoryspan.validate import number

LAYERS = keras.layers


@contextmanager
def deferred_weights() -> Iterator[None]:
    """Create the weights of layers when the block ends, and none of them if it raises.

    Inside the block a model has shapes alone, so that a size that does not fit into memory takes none.
    """
    with keras.StatelessScope():
        try:
            yield
        except BaseException:
            global_state.set_global_attribute("uninitialized_variables", [])  # which Keras would create all the same
            raise


def require_trainable(model: keras.Model, learning_rate: float) -> None:
    """Raise `TaskError` where the learning rate makes no sense, or the model does not fit into memory."""
    number("learning_rate", learning_rate, above=0, instead="0.01, for example")
    parameters = model.count_params()
    machine.require_memory(machine.TRAINED_PARAMETER * parameters, f"To train {parameters:,} parameters with Adam")


def answer(task: Task) -> keras.layers.Dense:
    """The dense layer that fits the task's answer, its kernel not drawn yet."""
    return LAYERS.Dense(task.n_outputs, task.activation, kernel_initializer="zeros", name="answer")


def with_head(task: Task, inputs: Any, x: keras.KerasTensor, name: str) -> keras.Model:
    """The model that answers as often as the task asks, from features at every step."""
    if not task.return_sequences:
        x = LastStep(name="last_step")(x)
    return keras.Model(inputs, answer(task)(x), name=name)


def compiled(
    model: keras.Model, task: Task, rng: np.random.Generator, *, learning_rate: float, global_clipnorm: float
) -> keras.Model:
    """The model with the weights of its stock layers drawn, compiled with Adam and the task's loss."""
    number("global_clipnorm", global_clipnorm, above=0, instead="1, for example")
    for layer in model.layers:
        _draw(layer, rng)
    optimizer = keras.optimizers.Adam(float(learning_rate), global_clipnorm=float(global_clipnorm))
    model.compile(optimizer, task.loss, metrics=["accuracy"])
    return model


def _draw(layer: Any, rng: np.random.Generator) -> None:
    """Keras's default initial weights, and in the configuration the default initializers that stand for them."""
    match type(layer):
        case LAYERS.Dense:
            layer.kernel.assign(glorot_uniform(rng, layer.kernel.shape))
            layer.kernel_initializer = keras.initializers.get("glorot_uniform")
        case LAYERS.Bidirectional:
            _draw(layer.forward_layer, rng)
            _draw(layer.backward_layer, rng)
        case LAYERS.LSTM | LAYERS.GRU | LAYERS.SimpleRNN:
            cell = layer.cell
            cell.kernel.assign(glorot_uniform(rng, cell.kernel.shape))
            cell.recurrent_kernel.assign(orthogonal(rng, cell.recurrent_kernel.shape))
            cell.kernel_initializer = keras.initializers.get("glorot_uniform")
            cell.recurrent_initializer = keras.initializers.get("orthogonal")
