"""A model through Keras itself: any model, on symbols, one-hot rows or numbers.

Rows of several lengths go into one batch only where the model is proved not to read the padding. Every other model
gets what Keras itself would be given: rows of one length, no padding, no mask. It sees each row alone, so that its
answer to a sequence is the same in any company.
"""

from collections.abc import Callable
from typing import cast

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Int

from memoryspan.backend import keras
from memoryspan.engine.keras_call import keras_call, single_array
from memoryspan.engine.shapes import input_shape
from memoryspan.engine.signature import Apply, ForwardOutput, Inputs, Variables, length_mask, seeds_of
from memoryspan.errors import ModelError


def through_keras(model: keras.Model, training: bool, ragged: bool) -> Apply:
    """Run the model in Keras: `ragged` rows with a mask; else rows that fill the array, without one.

    In training a batch goes through Keras as in `fit`. Otherwise each row goes alone, because a layer may read the
    others (a normalisation over the batch); where the model insists on a number of rows, that many at a time.
    """
    height, fixed_length, *_ = input_shape(model)
    read = keras_reader(model, training)

    def call(variables, inputs, mask):
        output = read(variables, inputs, mask)
        return output._replace(predictions=single_array(model, output.predictions))

    def on_ragged_rows(variables, inputs, lengths):
        mask = length_mask(inputs, lengths)
        if fixed_length is not None:
            inputs, mask = _widen(inputs, fixed_length), _widen(mask, fixed_length)
        return call(variables, inputs, mask)

    def on_rows_of_one_length(variables, inputs, lengths):
        inputs = _cut(model, inputs, lengths)
        if training:
            return call(variables, inputs, None)
        return _each_alone(call, height or 1, seeds_of(model), variables, inputs)

    return on_ragged_rows if ragged else on_rows_of_one_length


def keras_reader(model: keras.Model, training: bool) -> Callable[..., ForwardOutput]:
    """Return call(variables, inputs, mask), on symbols or numbers; mask is None where nothing is padded.

    The predictions are all that the model gives.
    """
    call = keras_call(model, training)
    return lambda variables, inputs, mask: call(variables, as_keras_reads(model, inputs, mask), mask)


def as_keras_reads(model: keras.Model, inputs: Inputs, mask: Bool[Array, "batch time"] | None = None) -> Array:
    """Return what the model is given in Keras: symbols, one-hot rows or numbers, with zeros where the mask hides."""
    _, _, *n_features = input_shape(model)
    if n_features and jnp.issubdtype(inputs.dtype, jnp.integer):
        inputs = jax.nn.one_hot(inputs, cast(int, n_features[0]))
    if mask is None:
        return inputs
    return jnp.where(mask[..., None] if inputs.ndim == 3 else mask, inputs, 0)


def _cut(model: keras.Model, inputs: Inputs, lengths: Int[Array, "batch"]) -> Inputs:
    """Return the rows without padding, where their lengths are known now; raise `ModelError` where they differ."""
    if isinstance(lengths, Tracer):
        return inputs
    if (lengths != lengths[0]).any():
        raise ModelError(
            f"The model {model.name!r} takes rows of one length at a time, because it may read padding, and got rows "
            f"of {lengths.min()} to {lengths.max()} steps: call it once for each length."
        )
    return inputs[:, : int(lengths[0])]


def _each_alone(
    call: Callable[..., ForwardOutput], height: int, seeds: list[int], variables: Variables, inputs: Inputs
) -> ForwardOutput:
    """Run `height` rows at a time, side by side; the last ones are filled up with rows of zeros.

    A model that draws at random also when it is used (dropout that stays on) is given all rows together, as in Keras:
    alone, each would draw the same.
    """
    rows = len(inputs)
    missing = -rows % height
    blocks = jnp.pad(inputs, ((0, missing), *[(0, 0)] * (inputs.ndim - 1)))
    blocks = blocks.reshape(-1, height, *inputs.shape[1:])

    draws = False

    def one(block):
        nonlocal draws
        output = call(variables, block, None)
        draws = any(output.non_trainable[seed] is not variables.non_trainable[seed] for seed in seeds)
        return output.predictions, output.aux_loss

    predictions, aux_losses = jax.vmap(one)(blocks)
    if draws and height == 1:
        return call(variables, inputs, None)
    predictions = predictions.reshape(-1, *predictions.shape[2:])[:rows]
    return ForwardOutput(predictions, variables.non_trainable, jnp.mean(aux_losses))


def _widen(inputs: Array, width: int) -> Array:
    missing = width - inputs.shape[1]
    return jnp.pad(inputs, ((0, 0), (0, missing), *[(0, 0)] * (inputs.ndim - 2)))
