"""Layers that do something else while a model trains than when it is used."""

from inspect import signature
from typing import Any

from memoryspan.backend import keras

LAYERS = keras.layers

CONTAINERS = (keras.Sequential, LAYERS.Bidirectional, LAYERS.TimeDistributed, LAYERS.StackedRNNCells, LAYERS.RNN)
"""Layers that pass `training` on to those inside them, and do nothing with it themselves."""


def differs_in_training(model: keras.Model) -> bool:
    """Return whether the model may answer otherwise while it trains: unless each layer is known not to."""
    layers = model._flatten_layers()
    return any("training" in signature(layer.call).parameters and not _is_known_the_same(layer) for layer in layers)


def noisy_layers(model: keras.Model) -> list[str]:
    """Return the names of the layers that drop or add something at random while the model trains."""
    return [layer.name for layer in model._flatten_layers() if _noise(layer)]


def _is_known_the_same(layer: Any) -> bool:
    if not type(layer).__module__.startswith("keras.") or isinstance(layer, LAYERS.BatchNormalization):
        return False
    if isinstance(layer, LAYERS.Dense | LAYERS.EinsumDense):
        return layer.quantization_mode is None
    has_rate = any(hasattr(layer, name) for name in RATES)
    return not _noise(layer) if has_rate else isinstance(layer, CONTAINERS) or hasattr(layer, "_nodes_by_depth")


RATES = ("rate", "stddev", "dropout", "recurrent_dropout")
"""The settings of Keras's layers that say how much is dropped, or how much noise is added."""


def _noise(layer: Any) -> bool:
    rates = (getattr(layer, name, None) for name in RATES)
    return any(isinstance(rate, int | float) and rate > 0 for rate in rates)
