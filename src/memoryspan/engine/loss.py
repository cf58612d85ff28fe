"""The loss that a model was compiled with, as a pure function."""

from collections.abc import Callable
from typing import cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from memoryspan.backend import keras
from memoryspan.engine.forward import Outcome, Variables

CompiledLoss = Callable[..., Float[Array, ""]]

_SPARSE = (keras.losses.SparseCategoricalCrossentropy, keras.losses.sparse_categorical_crossentropy)


def single_loss(model: keras.Model):
    """The loss that the model was compiled with, out of the list or dictionary of one in which it may have come."""
    (loss,) = keras.tree.flatten(model.loss)
    return loss


def is_mean(model: keras.Model) -> bool:
    """Whether the compiled loss is for certain a mean over the batch, so that it may be taken in parts."""
    if type(model).compute_loss is not keras.Model.compute_loss:
        return False
    loss = keras.losses.get(single_loss(model))
    if isinstance(loss, keras.losses.Loss):
        own = type(loss).__module__.startswith("keras.")
        return own and loss.reduction in ("sum_over_batch_size", "mean")
    return any(loss is known for known in vars(keras.losses).values())


def compiled_loss(model: keras.Model) -> CompiledLoss:
    """loss(variables, outcome, targets, weights): what Keras's `fit` would minimise, regularisers included.

    Targets that are classes are encoded as the model's loss reads them: one-hot, or as they are for a sparse one.
    """
    loss = keras.losses.get(single_loss(model))
    sparse = isinstance(loss, _SPARSE[0]) or loss is _SPARSE[1]

    def value(variables: Variables, outcome: Outcome, targets, weights) -> Float[Array, ""]:
        predictions = outcome.predictions
        if not jnp.issubdtype(targets.dtype, jnp.integer):
            targets = targets[..., None]
        elif not sparse:
            targets = jax.nn.one_hot(targets, predictions.shape[-1], dtype=predictions.dtype)
        pairs = [
            *zip(model.trainable_variables, variables.trainable, strict=True),
            *zip(model.non_trainable_variables, variables.non_trainable, strict=True),
        ]
        with keras.StatelessScope(state_mapping=pairs):
            loss = cast(Array, model.compute_loss(y=targets, y_pred=predictions, sample_weight=weights))
        return loss + outcome.penalty

    return value


def weights_of(asked: Bool[Array, "batch *asked"]) -> Float[Array, "batch *asked"]:
    """Sample weights under which Keras's mean over all positions is the mean over those that were asked."""
    asked = asked.astype(jnp.float32)
    return asked / jnp.maximum(asked.mean(), 1e-9)
