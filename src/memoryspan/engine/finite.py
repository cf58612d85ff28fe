"""Where in a model numbers stop being finite."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Num

from memoryspan.backend import keras
from memoryspan.engine.signature import variables_of
from memoryspan.engine.through_keras import keras_reader
from memoryspan.engine.watch import watched


def origin(model: keras.Model, inputs: Num[Any, "batch time *features"]) -> str:
    """Return where numbers first stop being finite when the model reads `inputs`: in a weight, or behind a layer."""
    if weight := _weight_not_finite(model):
        return f"from the weight {weight!r} on"
    behind: list[str] = []
    with ExitStack() as watching:
        for layer in model._flatten_layers(include_self=False):
            watching.enter_context(watched(layer, partial(_noting, layer, behind)))
        keras_reader(model, training=False)(variables_of(model), jnp.asarray(inputs), None)
    if not behind:
        return "though each of its layers gives finite numbers"
    layer = next(layer for layer in model._flatten_layers() if layer.name == behind[0])
    looked_up = isinstance(layer, keras.layers.Embedding)
    beyond = f", which has {layer.input_dim} rows and was asked for one beyond" if looked_up else ""
    return f"from the layer {layer.name!r} on{beyond}"


def _weight_not_finite(model: keras.Model) -> str | None:
    weights = (variable for variable in model.variables if "float" in str(variable.dtype))
    return next((one.path for one in weights if not np.isfinite(np.asarray(one.value, np.float64)).all()), None)


def _noting(layer: keras.Layer, behind: list[str], call: Callable) -> Callable:
    """The call, which adds the layer's name to `behind` where its answer is not finite; layers inside it come first."""

    def noting(*args, **kwargs):
        answer = call(*args, **kwargs)
        arrays = [array for array in keras.tree.flatten(answer) if isinstance(array, jax.Array)]
        concrete = [array for array in arrays if not isinstance(array, Tracer)]  # a cell's are in a loop
        if not all(bool(jnp.isfinite(array).all()) for array in concrete):
            behind.append(layer.name)
        return answer

    return noting
