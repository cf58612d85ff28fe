"""A model as the page runs it: a list of its layers, and their weights as bytes of Float32."""

import base64
from typing import Any

import numpy as np

from memoryspan.backend import keras
from memoryspan.engine.recognise import NotRecognisedError, chain, compile_layers, weights_of_cell
from memoryspan.errors import ModelError

LAYERS = keras.layers

RECURRENT = (LAYERS.LSTM, LAYERS.GRU, LAYERS.SimpleRNN)

WITH_WEIGHTS = (*RECURRENT, LAYERS.Dense, LAYERS.Embedding)

ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")
"""The activations that the page has; a dense layer may also have a softmax."""


def described(model: keras.Model) -> list[dict[str, Any]]:
    """Return the layers that the page runs, in order: their kinds, settings, and the shapes of their weights.

    Raises:
        ModelError: the page does not run a layer; the message names it and those that the page runs.
    """
    try:
        compile_layers(model, training=False)
        layers = [layer for layer in chain(model) if type(layer) is not LAYERS.Dropout]
        found = [_described(layer) for layer in layers]
        if not any(type(layer) in RECURRENT for layer in layers):
            raise NotRecognisedError("it has no LSTM, GRU or SimpleRNN")
        return found
    except NotRecognisedError as reason:
        raise ModelError(
            f"This model does not run in the page: {reason}. The page runs chains of LSTM, GRU and SimpleRNN layers "
            f"that read forwards, with Dense layers after them."
        ) from None


def weights_of(model: keras.Model) -> str:
    """Return the weights of those layers one after the other, as little-endian Float32 in base64."""
    arrays = [array for layer in chain(model) if type(layer) in WITH_WEIGHTS for array in _arrays(layer)]
    return base64.b64encode(b"".join(np.asarray(array, "<f4").tobytes() for array in arrays)).decode()


def _described(layer: keras.Layer) -> dict[str, Any]:
    kind = type(layer)
    if kind not in (*WITH_WEIGHTS, LAYERS.Activation):
        raise NotRecognisedError(f"{layer.name} is a {kind.__name__}")
    if getattr(layer, "go_backwards", False):
        raise NotRecognisedError(f"{layer.name} reads backwards")
    shapes = [list(array.shape) for array in _arrays(layer)] if kind in WITH_WEIGHTS else []
    about = {"kind": kind.__name__, "name": layer.name, "shapes": shapes}
    more = ("softmax",) if kind not in RECURRENT else ()
    for name in ("activation", "recurrent_activation"):
        if hasattr(layer, name):
            about[name] = _activation(layer, name, (*ACTIVATIONS, *more))
    if kind in RECURRENT:
        about["units"] = layer.units
    if kind is LAYERS.GRU:
        about["reset_after"] = layer.reset_after
    return about


def _activation(layer: keras.Layer, which: str, known: tuple[str, ...]) -> str:
    name = getattr(layer, which).__name__
    if name not in known:
        raise NotRecognisedError(f"the {which} of {layer.name} is {name}, and the page knows {', '.join(known)}")
    return name


def _arrays(layer: keras.Layer) -> list[np.ndarray]:
    """Return a layer's weights in the order of the page, with zeros for a bias that the layer does not have."""
    if isinstance(layer, LAYERS.Embedding):
        return [np.asarray(layer.embeddings)]
    if isinstance(layer, RECURRENT):
        return [np.asarray(array) for array in weights_of_cell(layer.cell, lambda variable: variable.value)]
    kernel = np.asarray(layer.kernel)
    return [kernel, np.zeros(kernel.shape[1], np.float32) if layer.bias is None else np.asarray(layer.bias)]
