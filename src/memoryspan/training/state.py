"""The state of a training: all that changes, and all that a checkpoint holds."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Int

from memoryspan.backend import keras
from memoryspan.engine import Variables, assign, variables_of
from memoryspan.training.schedule import Progress


class TrainState(NamedTuple):
    """All that changes in a training: what a checkpoint holds."""

    variables: Variables
    optimizer: list[Array]
    progress: Progress
    updates: Int[Array, ""]
    skipped: Int[Array, ""]
    """Updates that changed no weight: loss, gradient or weights were not finite, or the gradient had exploded."""
    skipped_in_a_row: Int[Array, ""]
    """How many of the last updates in a row were not finite."""


def is_compiled(model: keras.Model) -> bool:
    """Return whether a model has an optimizer: one that is only evaluated need not."""
    return getattr(model, "optimizer", None) is not None


def build_optimizer(model: keras.Model) -> None:
    """Make the variables of the optimizer, if there is one, which Keras makes at the first `fit`."""
    if is_compiled(model) and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def initial_state(model: keras.Model, progress: Progress) -> TrainState:
    """Return the model's weights and its optimizer as they are, where a schedule of lengths begins."""
    build_optimizer(model)
    zero = jnp.int32(0)
    return TrainState(variables_of(model), _optimizer_values(model), progress, zero, zero, zero)


def in_model(model: keras.Model, state: TrainState) -> TrainState:
    """Return the state with the weights that are in the model and the moments that are in its optimizer."""
    return state._replace(variables=variables_of(model), optimizer=_optimizer_values(model))


def restore(model: keras.Model, state: TrainState) -> None:
    """Put a state's weights into the model and its moments into the optimizer: `fit` can resume from there."""
    build_optimizer(model)
    assign(model, state.variables)
    for variable, value in zip(_optimizer_variables(model), state.optimizer, strict=True):
        variable.assign(jnp.array(value))


def _optimizer_variables(model: keras.Model) -> list[keras.Variable]:
    """Return all that the optimizer keeps, the learning rate included."""
    return model.optimizer.variables if is_compiled(model) else []


def _optimizer_values(model: keras.Model) -> list[Array]:
    return [variable.value for variable in _optimizer_variables(model)]
