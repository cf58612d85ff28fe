"""The loss that a model was compiled with, as a pure function."""

from collections.abc import Callable
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from memoryspan.backend import keras
from memoryspan.engine.forward import Outcome, Variables

CompiledLoss = Callable[..., Float[Array, ""]]

SPARSE = (keras.losses.SparseCategoricalCrossentropy, keras.losses.sparse_categorical_crossentropy)


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
    """loss(variables, outcome, targets, weights, x=None): what Keras's `fit` would minimise, regularisers included.

    Targets that are classes are encoded as the model's loss reads them. `x` is the input as Keras reads it, which a
    `compute_loss` of the model's own may look at.
    """

    def value(variables: Variables, outcome: Outcome, targets, weights, x: Array | None = None) -> Float[Array, ""]:
        predictions = outcome.predictions
        targets = _encoded(model, x, targets, predictions)
        pairs = [
            *zip(model.trainable_variables, variables.trainable, strict=True),
            *zip(model.non_trainable_variables, variables.non_trainable, strict=True),
        ]
        with keras.StatelessScope(state_mapping=pairs):
            loss = cast(Array, model.compute_loss(x=x, y=targets, y_pred=predictions, sample_weight=weights))
        return loss + outcome.penalty

    return value


def _encoded(model: keras.Model, x: Array | None, targets: Array, predictions: Array) -> Array:
    """Targets as the loss reads them: classes as one-hot rows, or as they are for a sparse loss or a single output."""
    if not jnp.issubdtype(targets.dtype, jnp.integer):
        return targets if targets.ndim == predictions.ndim else targets[..., None]
    if predictions.shape[-1] == 1:
        return targets[..., None].astype(predictions.dtype)
    if _reads_classes(model, x, targets, predictions):
        return targets
    return jax.nn.one_hot(targets, predictions.shape[-1], dtype=predictions.dtype)


def _reads_classes(model: keras.Model, x: Array | None, targets: Array, predictions: Array) -> bool:
    """Whether the loss reads classes as whole numbers, and not as one-hot vectors; one that is not Keras's is tried."""
    loss = keras.losses.get(single_loss(model))
    if isinstance(loss, SPARSE[0]) or loss is SPARSE[1]:
        return True
    own_loss = type(model).compute_loss is not keras.Model.compute_loss
    if not own_loss and (type(loss).__module__.startswith("keras.") or loss in vars(keras.losses).values()):
        return False
    n_classes = predictions.shape[-1]
    rows = 2 * n_classes + 1  # not as many as classes: one axis would pass for the other
    shape = rows, *targets.shape[1:]
    given = {"sample_weight": np.ones(shape, np.float32)}
    given |= {} if x is None else {"x": np.zeros((rows, *x.shape[1:]), x.dtype)}

    def cost(y: np.ndarray, answered: np.ndarray) -> float:
        """The loss where the answer is nearly sure of these classes; NaN where it does not take such targets."""
        y_pred = (0.9 * np.eye(n_classes)[answered] + 0.1 / n_classes).astype(predictions.dtype)
        try:
            with jax.ensure_compile_time_eval():
                return float(
                    model.compute_loss(y=jnp.asarray(y), y_pred=jnp.asarray(y_pred), **jax.tree.map(jnp.asarray, given))
                )
        except Exception:  # a person's own function can raise anything at what it does not read
            return float("nan")

    classes = np.broadcast_to((np.arange(rows) % n_classes).reshape(-1, *[1] * (len(shape) - 1)), shape)
    one_hot = np.eye(n_classes, dtype=np.float32)[classes]
    one_hot_costs, costs = ([cost(y, (classes + wrong) % n_classes) for wrong in (0, 1)] for y in (one_hot, classes))
    # What it reads is what makes the right answer cheaper than a wrong one.
    return not one_hot_costs[0] < one_hot_costs[1] and costs[0] < costs[1]


def weights_of(asked: Bool[Array, "batch *asked"]) -> Float[Array, "batch *asked"]:
    """Sample weights under which Keras's mean over all positions is the mean over those that were asked."""
    asked = asked.astype(jnp.float32)
    return asked / jnp.maximum(asked.mean(), 1e-9)
