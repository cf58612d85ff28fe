"""A model as a pure function: the arrays that go in and come out."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from memoryspan.backend import keras
from memoryspan.errors import ModelError
from memoryspan.validate import checked, shown


class Variables(NamedTuple):
    """The arrays of a Keras model, in the order in which the model lists its variables."""

    trainable: list[Array]
    non_trainable: list[Array]


class ForwardOutput(NamedTuple):
    """The results of a call of a model."""

    predictions: Float[Array, "batch ..."]
    """(batch, answers), or (batch, time, answers); past a row's length they mean nothing."""
    non_trainable: list[Array]
    """The non-trainable arrays after the call."""
    aux_loss: Float[Array, ""] | float
    """What layers added to the loss in the call (`add_loss`, activity regularisers)."""


Inputs = Int[Array, "batch time"] | Float[Array, "batch time *features"]
"""Symbols, or numbers: vectors, or one number a step for a model that takes (batch, time)."""

Apply = Callable[[Variables, Inputs, Int[Array, "batch"]], ForwardOutput]


def require_model(model: Any) -> None:
    """Raise `ModelError` unless it is a Keras model."""
    if not isinstance(model, keras.Model):
        raise ModelError(f"A model should be a Keras model, got {shown(model)}: load one with keras.saving.load_model.")


@checked
def variables_of(model: keras.Model) -> Variables:
    """Return the model's arrays as they are now."""
    require_model(model)
    return Variables(
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )


def assign(model: keras.Model, variables: Variables) -> None:
    """Assign copies of the arrays to the model: Keras's `fit` deletes those that it finds there."""
    trainable = zip(model.trainable_variables, variables.trainable, strict=True)
    non_trainable = zip(model.non_trainable_variables, variables.non_trainable, strict=True)
    for variable, value in (*trainable, *non_trainable):
        variable.assign(jnp.array(value))


def seeds_of(model: keras.Model) -> list[int]:
    """Return which of the model's non-trainable variables are states of random generators."""
    return [n for n, each in enumerate(model.non_trainable_variables) if "seed_generator_state" in each.path]


def length_mask(inputs: Inputs, lengths: Int[Array, "batch"]) -> Bool[Array, "batch time"]:
    """Return which steps are within the length of their row."""
    return jnp.arange(inputs.shape[1]) < lengths[:, None]
