"""One call of a Keras model, as a pure function of its variables."""

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any, cast

import jax.numpy as jnp

from memoryspan.backend import keras, set_keras_mask
from memoryspan.engine.signature import ForwardOutput
from memoryspan.errors import ModelError


def keras_call(model: keras.Model, training: bool) -> Callable[..., ForwardOutput]:
    """Return call(variables, x, mask), on input as Keras reads it; mask is None where nothing is padded.

    Unless it trains, a stateful layer begins each sequence anew, as after `reset_state`.
    """
    arguments = signature(model.call).parameters
    takes_mask = "mask" in arguments
    regularised = sum(variable.regularizer is not None for variable in model.trainable_variables)
    for_training = {"training": training} if "training" in arguments else {}
    stateless = cast(Callable[..., tuple], partial(model.stateless_call, return_losses=True, **for_training))
    states = set() if training else {id(variable) for layer in recurrent_layers(model) for variable in _states(layer)}

    def call(variables, x, mask):
        if states:
            pairs = zip(model.non_trainable_variables, variables.non_trainable, strict=True)
            reset = [jnp.zeros_like(array) if id(variable) in states else array for variable, array in pairs]
            variables = variables._replace(non_trainable=reset)
        if mask is None:
            output = stateless(*variables, pack_input(model, x))
        elif takes_mask:
            output = stateless(*variables, pack_input(model, x), mask=mask)
        else:
            set_keras_mask(x, mask)  # for the layers inside a model whose own call does not pass a mask on
            output = stateless(*variables, pack_input(model, x))
        predictions, non_trainable, losses = output
        for array in keras.tree.flatten(predictions):
            set_keras_mask(array, None)  # else Keras's loss weighs by it, on top of the weights that it is given
        # Keras lists the regularisers of the weights last; those are in the compiled loss already.
        return ForwardOutput(predictions, non_trainable, sum(losses[: len(losses) - regularised], 0.0))

    return call


def pack_input(model: keras.Model, x: Any) -> Any:
    """Return the model's one input as the model was built on it: itself, or a list or dictionary of one."""
    structure = getattr(model, "_inputs_struct", None)
    return keras.tree.pack_sequence_as(structure, [x]) if isinstance(structure, list | tuple | dict) else x


def single_array(model: keras.Model, predictions: Any) -> Any:
    """Return the one array that a model gives, out of the list or dictionary of one in which it may come.

    Raises `ModelError` where there are several.
    """
    arrays = keras.tree.flatten(predictions)
    if len(arrays) != 1:
        raise ModelError(f"The model {model.name!r} should give one array, and it gives {len(arrays)}.")
    return arrays[0]


def recurrent_layers(model: keras.Model) -> list[keras.Layer]:
    """Return the recurrent layers anywhere in the model."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN)]


def _states(layer: keras.layers.RNN) -> list[keras.Variable]:
    """Return the variables that a stateful layer carries from one batch to the next."""
    return keras.tree.flatten(layer.states) if layer.stateful else []
