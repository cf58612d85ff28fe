"""A chain of stock layers through `unroll`, on tokens."""

import jax.numpy as jnp

from memoryspan.backend import keras
from memoryspan.engine.recognise import CompiledLayer
from memoryspan.engine.signature import Apply, ForwardOutput, length_mask


def through_unroll(model: keras.Model, found: list[CompiledLayer]) -> Apply:
    """Run the compiled layers of a model, one after the other."""
    keys = [id(variable) for variable in (*model.trainable_variables, *model.non_trainable_variables)]

    def apply(variables, inputs, lengths):
        arrays = dict(zip(keys, (*variables.trainable, *variables.non_trainable), strict=True))
        if inputs.ndim == 3:  # a layer before the recurrence reads every step, and in its gradient 0 · NaN is NaN
            inputs = jnp.where(length_mask(inputs, lengths)[..., None], inputs, 0).astype(jnp.float32)
        x = jnp.swapaxes(inputs, 0, 1)  # time first: a step reads one contiguous slice
        for layer in found:
            x = layer(lambda variable: arrays[id(variable)], x, lengths)
        predictions = jnp.swapaxes(x, 0, 1) if x.ndim == 3 else x
        return ForwardOutput(predictions, variables.non_trainable, 0.0)

    return apply
