"""The loss that a model was compiled with, as a pure function."""

from collections.abc import Callable
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from memoryspan.backend import keras
from memoryspan.engine.signature import ForwardOutput, Variables

CompiledLoss = Callable[..., Float[Array, ""]]

SPARSE = (keras.losses.SparseCategoricalCrossentropy, keras.losses.sparse_categorical_crossentropy)


def single_loss(model: keras.Model):
    """The loss that the model was compiled with, out of the list or dictionary of one in which it may have come."""
    (loss,) = keras.tree.flatten(model.loss)
    return loss


def is_mean(model: keras.Model) -> bool:
    """Return whether the compiled loss is for certain a mean over the batch, so that it may be taken in parts."""
    if type(model).compute_loss is not keras.Model.compute_loss:
        return False
    loss = keras.losses.get(single_loss(model))
    if isinstance(loss, keras.losses.Loss):
        own = type(loss).__module__.startswith("keras.")
        return own and loss.reduction in ("sum_over_batch_size", "mean")
    return any(loss is known for known in vars(keras.losses).values())


def compiled_loss(model: keras.Model) -> CompiledLoss:
    """loss(variables, output, targets, weights, x=None): what Keras's `fit` would minimise, regularisers included.

    Targets that are classes are encoded as the model's loss reads them. `x` is the input as Keras reads it, which a
    `compute_loss` of the model's own may read.
    """

    def value(
        variables: Variables, output: ForwardOutput, targets, weights, x: Array | None = None
    ) -> Float[Array, ""]:
        predictions = output.predictions
        targets = _encoded(model, x, targets, predictions)
        pairs = [
            *zip(model.trainable_variables, variables.trainable, strict=True),
            *zip(model.non_trainable_variables, variables.non_trainable, strict=True),
        ]
        with keras.StatelessScope(state_mapping=pairs):
            loss = cast(Array, model.compute_loss(x=x, y=targets, y_pred=predictions, sample_weight=weights))
        return loss + output.aux_loss

    return value


Encoding = Callable[[Array, int], Array]
"""encoding(classes, n_classes): classes as a loss reads them."""


def _one_hot(classes: Array, n_classes: int) -> Array:
    return jax.nn.one_hot(classes, n_classes, dtype=jnp.float32)


def _as_they_are(classes: Array, n_classes: int) -> Array:
    return classes


def _in_a_column(classes: Array, n_classes: int) -> Array:
    return classes[..., None]


def _encoded(model: keras.Model, x: Array | None, targets: Array, predictions: Array) -> Array:
    """Return targets as the loss reads them: classes as they are for a sparse loss or one output, else one-hot."""
    if not jnp.issubdtype(targets.dtype, jnp.integer):
        return targets if targets.ndim == predictions.ndim else targets[..., None]
    n_classes = predictions.shape[-1]
    if n_classes == 1:
        return targets[..., None].astype(predictions.dtype)
    return _encoding(model, x, targets.shape, n_classes)(targets, n_classes)


def _encoding(model: keras.Model, x: Array | None, shape: tuple[int, ...], n_classes: int) -> Encoding:
    """Return how the loss reads classes. Another one than Keras's is tried: a right answer has the smaller loss."""
    loss = keras.losses.get(single_loss(model))
    if isinstance(loss, SPARSE[0]) or loss is SPARSE[1]:
        return _as_they_are
    own_loss = type(model).compute_loss is not keras.Model.compute_loss
    if not own_loss and (type(loss).__module__.startswith("keras.") or loss in vars(keras.losses).values()):
        return _one_hot
    rows = 2 * n_classes + 1  # not as many as classes: one axis would pass for the other
    shape = rows, *shape[1:]
    of_x = None if x is None else (rows, *x.shape[1:])
    classes = np.broadcast_to((np.arange(rows) % n_classes).reshape(-1, *[1] * (len(shape) - 1)), shape)

    def cost(encoding: Encoding, answered: np.ndarray) -> float:
        """The loss where the answer is nearly sure of these classes; NaN where it does not take such targets."""
        y_pred = 0.9 * np.eye(n_classes)[answered] + 0.1 / n_classes
        try:
            with jax.ensure_compile_time_eval():
                y, weights = encoding(jnp.asarray(classes), n_classes), jnp.ones(shape)
                given = {"x": None if of_x is None else jnp.zeros(of_x), "y": y, "sample_weight": weights}
                return float(cast(Array, model.compute_loss(y_pred=jnp.asarray(y_pred, jnp.float32), **given)))
        except Exception:  # a person's own function can raise anything at what it does not read
            return float("nan")

    encodings = (_one_hot, _as_they_are, _in_a_column)
    wrong = (classes + 1) % n_classes
    return next((each for each in encodings if cost(each, classes) < cost(each, wrong)), _one_hot)


def weights_of(target_mask: Bool[Array, "batch *steps"]) -> Float[Array, "batch *steps"]:
    """Sample weights under which Keras's mean over all positions is the mean over those in the mask."""
    weights = target_mask.astype(jnp.float32)
    return weights / jnp.maximum(weights.mean(), 1e-9)
