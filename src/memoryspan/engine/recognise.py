"""Reads a chain of stock Keras layers as pure functions of its weights, or says why it cannot.

Each layer becomes a function run(values, x, lengths) -> x, where `values` gives the arrays of the layer's variables
and `x` is tokens [time, batch], vectors [time, batch, features] or, once a recurrent layer has answered, one vector
a row [batch, features]. On a ragged batch it gives what Keras gives for each row alone, without padding.
"""

from collections.abc import Callable
from functools import partial
from typing import cast

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from memoryspan.backend import keras
from memoryspan.engine import cells
from memoryspan.engine.native import native_unroll
from memoryspan.engine.unroll import Step, unroll

Values = Callable[[keras.Variable], Array]
"""Gives the array that stands for a variable of the model."""

CompiledLayer = Callable[[Values, Array, Int[Array, "batch"]], Array]

LAYERS = keras.layers
RECURRENT = (LAYERS.LSTM, LAYERS.GRU, LAYERS.SimpleRNN)


class NotRecognisedError(Exception):
    """A layer, or a setting of it, that is not recognised; the message names it."""


def compile_layers(model: keras.Model, training: bool, every_step: bool = False) -> list[CompiledLayer]:
    """Return the layers of a chain of stock layers as pure functions; raises `NotRecognisedError` for any other.

    With `every_step` they answer at every step what the model would if the row ended there, where no layer looks ahead.
    """
    layers = chain(model)
    reads_tokens = len(model.input_shape) == 2
    first = (LAYERS.Embedding,) if reads_tokens else (*RECURRENT, LAYERS.Bidirectional, LAYERS.Dense)
    if not layers or type(layers[0]) not in first:
        raise NotRecognisedError(f"it does not begin with {' or '.join(layer.__name__ for layer in first)}")
    return [_compile_layer(layer, training, every_step) for layer in layers]


def chain(model: keras.Model) -> list[keras.Layer]:
    """The layers in order, where each feeds the next one and nothing else."""
    if not type(model).__module__.startswith("keras."):
        raise NotRecognisedError(f"{type(model).__name__} is a class of its own")
    if not model.built or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise NotRecognisedError("it has not one input and one output")
    layers = [layer for layer in model.layers if type(layer) is not LAYERS.InputLayer]
    if isinstance(model, keras.Sequential):
        return layers
    links = [model.inputs[0], *(layer.output for layer in layers if len(layer._inbound_nodes) == 1)]
    chained = len(links) == len(layers) + 1 and links[-1] is model.outputs[0]
    if not (chained and all(_takes_only(layer, link) for layer, link in zip(layers, links, strict=False))):
        raise NotRecognisedError("its layers are not one chain")
    return layers


def _takes_only(layer: keras.Layer, link: keras.KerasTensor) -> bool:
    """Return whether the layer was called with this tensor and nothing else (an initial state, a mask of its own)."""
    (node,) = layer._inbound_nodes
    rest = (*node.arguments.args[1:], *node.arguments.kwargs.values())
    return layer.input is link and all(value is None or value is False for value in rest)  # training=False


def _compile_layer(layer: keras.Layer, training: bool, every_step: bool = False) -> CompiledLayer:
    if layer.dtype_policy.name != "float32":
        raise NotRecognisedError(f"{layer.name} computes in {layer.dtype_policy.name}")
    if getattr(layer, "activity_regularizer", None) is not None:
        raise NotRecognisedError(f"{layer.name} penalises its activity")
    match type(layer):
        case LAYERS.LSTM | LAYERS.GRU | LAYERS.SimpleRNN:
            return _recurrent(layer, training, every_step)
        case LAYERS.Bidirectional if every_step:
            raise NotRecognisedError(f"{layer.name} looks ahead")
        case LAYERS.Bidirectional:
            return _bidirectional(layer, training)
        case LAYERS.Dense:
            return _dense(layer)
        case LAYERS.Embedding:
            return _embedding(layer)
        case LAYERS.Dropout if not training or layer.rate == 0:
            return _unchanged
        case LAYERS.Dropout:
            raise NotRecognisedError(f"{layer.name} drops out in training")
        case LAYERS.Activation:
            activation = _activation(layer, "activation")
            return lambda values, x, lengths: activation(x)
    raise NotRecognisedError(f"{layer.name} is a {type(layer).__name__}")


def _unchanged(values: Values, x: Array, lengths: Int[Array, "batch"]) -> Array:
    return x


def _dense(layer: keras.layers.Dense) -> CompiledLayer:
    if layer.lora_enabled or layer.quantization_mode:
        raise NotRecognisedError(f"{layer.name} keeps its kernel in parts")
    activation = _activation(layer, "activation")

    def run(values, x, lengths):
        z = cells.project(values(layer.kernel), x)
        return activation(z + values(layer.bias) if layer.use_bias else z)

    return run


def _embedding(layer: keras.layers.Embedding) -> CompiledLayer:
    if layer.lora_enabled or layer.quantization_mode:
        raise NotRecognisedError(f"{layer.name} keeps its table in parts")
    if layer.mask_zero:
        raise NotRecognisedError(f"{layer.name} takes symbol 0 for padding")
    return lambda values, x, lengths: cells.project(values(layer.embeddings), x)


def _recurrent(layer: keras.Layer, training: bool, every_step: bool) -> CompiledLayer:
    if training and (layer.dropout or layer.recurrent_dropout):
        raise NotRecognisedError(f"{layer.name} drops out in training")
    if layer.return_state or layer.stateful:
        raise NotRecognisedError(f"{layer.name} hands its state on")
    if every_step and layer.go_backwards:
        raise NotRecognisedError(f"{layer.name} looks ahead")
    cell, step, in_cpp = layer.cell, step_of(layer.cell, partial(_activation, layer)), native_unroll(layer.cell)
    every_step = every_step or layer.return_sequences

    def answer_every_step(weights, state, x):
        state, _ = step(weights, state, x)
        return state, state.hidden

    def answer_at_the_end(weights, state, x):
        state, _ = step(weights, state, x)
        return state, None

    def run(values, x, lengths):
        weights = weights_of_cell(cell, values)
        zeros = jnp.zeros((x.shape[1], cell.units), weights.kernel.dtype)
        start = _start(cell, zeros)
        x = reverse(x, lengths) if layer.go_backwards else x
        if in_cpp is not None:
            last, outputs = in_cpp(weights, start, x, lengths, every_step)
            return outputs if every_step else last.hidden
        step_and_answer = answer_every_step if every_step else answer_at_the_end
        last, outputs = cast(tuple, unroll(step_and_answer, weights, start, x, lengths))
        return outputs if every_step else last.hidden

    return run


def _bidirectional(layer: keras.layers.Bidirectional, training: bool) -> CompiledLayer:
    pair = layer.forward_layer, layer.backward_layer
    if any(type(one) not in RECURRENT for one in pair) or layer.merge_mode is None:
        raise NotRecognisedError(f"{layer.name} does not join two stock recurrent layers")
    merge = {
        "concat": lambda there, back: jnp.concatenate([there, back], axis=-1),
        "sum": lambda there, back: there + back,
        "ave": lambda there, back: (there + back) / 2,
        "mul": lambda there, back: there * back,
    }[layer.merge_mode]
    there, back = (_compile_layer(one, training) for one in pair)

    def run(values, x, lengths):
        backward = back(values, x, lengths)
        if layer.return_sequences:
            backward = reverse(backward, lengths)
        return merge(there(values, x, lengths), backward)

    return run


def reverse(
    x: Int[Array, "time batch"] | Float[Array, "time batch features"], lengths: Int[Array, "batch"]
) -> Int[Array, "time batch"] | Float[Array, "time batch features"]:
    """Each row's own steps in reverse order; its padding stays behind them."""
    t = jnp.arange(x.shape[0])[:, None]
    return x[jnp.where(t < lengths, lengths - 1 - t, t), jnp.arange(x.shape[1])]


def step_of(cell: keras.Layer, activation: Callable[[str], cells.Activation]) -> Step:
    """The step of a stock cell; `activation` gives its activations by their names in Keras."""
    if isinstance(cell, LAYERS.SimpleRNNCell):
        return cells.simple_rnn(activation("activation"))
    both = activation("activation"), activation("recurrent_activation")
    if isinstance(cell, LAYERS.LSTMCell):
        return cells.lstm(*both)
    return (cells.gru if cell.reset_after else cells.gru_reset_before)(*both)


def _start(cell: keras.Layer, zeros: Array) -> cells.Hidden | cells.HiddenAndCell:
    return cells.HiddenAndCell(zeros, zeros) if isinstance(cell, LAYERS.LSTMCell) else cells.Hidden(zeros)


def weights_of_cell(cell: keras.Layer, values: Values) -> cells.Weights:
    """Return the weights of a stock cell."""
    kernel = values(cell.kernel)
    if cell.use_bias:
        bias = values(cell.bias)
    else:
        two = getattr(cell, "reset_after", False)
        bias = jnp.zeros((2, kernel.shape[1]) if two else kernel.shape[1], kernel.dtype)
    return cells.Weights(kernel, values(cell.recurrent_kernel), bias)


def _activation(layer: keras.Layer, name: str) -> cells.Activation:
    """The layer's activation, if it is one of Keras's own, which do not look across rows or steps."""
    activation = getattr(layer, name)
    if not any(activation is known for known in vars(keras.activations).values()):
        raise NotRecognisedError(f"the {name} of {layer.name} is not one of keras.activations")
    return activation
