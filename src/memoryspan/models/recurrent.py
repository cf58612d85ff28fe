"""The three stock recurrent layers of Keras: a stack of them and a dense layer."""

from typing import Any

import numpy as np

from memoryspan.backend import keras
from memoryspan.layers import initializers
from memoryspan.layers.initializers import generator
from memoryspan.models.finalize import answer, compiled, deferred_weights, require_trainable
from memoryspan.tasks import Task, require_task
from memoryspan.validate import checked, flag, whole_number

KINDS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}
"""The layer by the name of its builder."""


@checked
def lstm(
    task: Task,
    *,
    units: int = 25,
    layers: int = 1,
    bidirectional: bool = False,
    chrono: int | None = None,
    learning_rate: float = 2e-2,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """LSTM(units) and a dense layer that fits the task's answer, compiled, for sequences of any length.

    The cell is Hochreiter & Schmidhuber's (Neural Computation 9(8), 1997), with the forget gate of Gers et al. (2000).
    On `Echo()` these are the tutorial's 12,600 + 2,600 parameters. The learning rate is twenty times Adam's default,
    and the gradient is clipped (by its global norm) to make that safe: a choice for speed, not what makes it learn.

    Args:
        task: what to learn.
        units: memory cells of a layer.
        layers: LSTMs, each of which reads what the one before answers at every step.
        bidirectional: read in both directions, with `units` cells each (Schuster & Paliwal 1997).
        chrono: the longest dependency that is expected, in time steps: the units begin with memories of every length
            up to it, by the biases of their forget and input gates (Tallec & Ollivier, ICLR 2018, arXiv 1804.11188,
            equation 16). With None they all begin alike, with Keras's bias of 1 for the forget gate.
        learning_rate: of Adam.
        global_clipnorm: the greatest norm of a gradient.
        seed: decides the initial weights; None draws others each time.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    return _recurrent("lstm", task, units, layers, bidirectional, learning_rate, global_clipnorm, seed, chrono)


@checked
def gru(
    task: Task,
    *,
    units: int = 30,
    layers: int = 1,
    bidirectional: bool = False,
    chrono: int | None = None,
    learning_rate: float = 1e-2,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """GRU(units) and a dense layer that fits the task's answer, compiled, for sequences of any length.

    The unit is that of Cho et al. (arXiv 1406.1078, version 3), Keras's default: the reset gate acts after the product.
    On `Echo()` the default has about the tutorial's 15,200 parameters. The other settings are `lstm`'s.

    Of `chrono` for a GRU the paper gives no formula. Here it follows from the paper's general gated network: what a
    unit adds has the weight 1/T, and T is uniform in [2, chrono]. Keras's update gate multiplies the old state, which
    has the weight 1 - 1/T, so its bias is plus the log of uniform in [1, chrono - 1].

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    return _recurrent("gru", task, units, layers, bidirectional, learning_rate, global_clipnorm, seed, chrono)


@checked
def simple_rnn(
    task: Task,
    *,
    units: int = 57,
    layers: int = 1,
    bidirectional: bool = False,
    learning_rate: float = 1e-2,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """SimpleRNN(units) and a dense layer that fits the task's answer, compiled, for sequences of any length.

    Elman's network (Cognitive Science 14(2), 1990). On `Echo()` the default has about the tutorial's
    15,200 parameters. The other settings are `lstm`'s.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    return _recurrent("simple_rnn", task, units, layers, bidirectional, learning_rate, global_clipnorm, seed)


def _recurrent(
    name: str,
    task: Task,
    units: int,
    layers: int,
    bidirectional: bool,
    learning_rate: float,
    global_clipnorm: float,
    seed: int | None,
    chrono: int | None = None,
) -> keras.Model:
    """A stack of recurrent layers and a dense layer that fits the task's answer.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    require_task(task)
    whole_number("units", units, at_least=1, instead="25, for example")
    whole_number("layers", layers, at_least=1, instead="1, for example")
    flag("bidirectional", bidirectional)
    if chrono is not None:
        whole_number("chrono", chrono, at_least=3, given=" time steps", instead="2000, for example")
    with deferred_weights():
        stack = [
            _layer(
                name if layers == 1 else f"{name}_{number}",
                KINDS[name],
                units,
                return_sequences=number < layers or task.return_sequences,
                bidirectional=bidirectional,
            )
            for number in range(1, layers + 1)
        ]
        kind = "bidirectional" if bidirectional else "stacked" if layers > 1 else "vanilla"
        model = keras.Sequential([keras.Input((None, task.n_features)), *stack, answer(task)], name=f"{kind}_{name}")
        require_trainable(model, learning_rate)
    rng = generator(seed)
    compiled(model, task, rng, learning_rate=learning_rate, global_clipnorm=global_clipnorm)
    if chrono is not None:  # after all other weights, which are the same with it and without
        for layer in model.layers[:-1]:
            _draw_time_scales(layer, chrono, rng)
    return model


def _layer(name: str, of: type, units: int, *, return_sequences: bool, bidirectional: bool) -> keras.layers.Layer:
    """One layer, its kernels not drawn yet."""
    layer = of(
        units,
        return_sequences=return_sequences,
        kernel_initializer="zeros",
        recurrent_initializer="zeros",
        seed=0,  # of a dropout that it does not have; a variable all the same, and so a part of the same bits
        name=name,
    )
    return keras.layers.Bidirectional(layer, name=name) if bidirectional else layer


def _draw_time_scales(layer: Any, t_max: int, rng: np.random.Generator) -> None:
    """Biases with which the units of a layer forget at different rates, the slowest within about `t_max` steps."""
    if isinstance(layer, keras.layers.Bidirectional):
        _draw_time_scales(layer.forward_layer, t_max, rng)
        _draw_time_scales(layer.backward_layer, t_max, rng)
        return
    units, bias = layer.units, np.array(layer.cell.bias.value)
    keep = initializers.chrono(rng, t_max, units)
    match type(layer):
        case keras.layers.LSTM:  # input, forget, candidate, output
            bias[:units], bias[units : 2 * units] = -keep, keep
        case keras.layers.GRU:  # update, reset, candidate; of the kernel, and of the recurrent kernel, which add up
            bias[0, :units] = keep
    layer.cell.bias.assign(bias)
