"""The optimizer's step, where it is safe to take: shortened far out, and skipped where it leads to infinity."""

from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from memoryspan.backend import keras
from memoryspan.engine import Variables
from memoryspan.training.state import TrainState


def scale_loss(model: keras.Model, optimizer: list[Array], loss: Float[Array, ""]) -> Float[Array, ""]:
    """Return what the optimizer needs the gradient of: for half precision, a multiple of the loss."""
    pairs = zip(model.optimizer.variables, optimizer, strict=True)
    with keras.StatelessScope(state_mapping=list(pairs)):
        return cast(Array, model.optimizer.scale_loss(loss))


def grad_norm(gradient: list[Array], scale: Float[Array, ""]) -> Float[Array, ""]:
    """Return the norm of the whole gradient of a loss that was multiplied by `scale`, without that."""
    return jnp.sqrt(sum(jnp.sum(jnp.square(array.astype(jnp.float32) / scale)) for array in gradient))


def apply_gradient(
    model: keras.Model,
    state: TrainState,
    loss: Float[Array, ""],
    gradient: list[Array],
    non_trainable: list[Array],
    fraction: Float[Array, ""],
    skip: Bool[Array, ""],
) -> TrainState:
    """Return the state after this fraction of the optimizer's step; a skipped or infinite step is only counted."""
    trainable = state.variables.trainable
    proposed, optimizer = model.optimizer.stateless_apply(state.optimizer, gradient, trainable)
    triples = zip(model.trainable_variables, trainable, proposed, strict=True)
    proposed = [_shorten(variable, old, new, fraction) for variable, old, new in triples]
    finite = _all_finite((loss, gradient, proposed, optimizer, non_trainable))
    taken = finite & ~skip
    variables = where(taken, Variables(proposed, non_trainable), state.variables)
    # An optimizer that scales the loss skips what is not finite by itself, and adapts its scale.
    scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    optimizer = where(taken | ~finite if scales else taken, optimizer, state.optimizer)
    return state._replace(
        variables=variables,
        optimizer=optimizer,
        updates=state.updates + 1,
        skipped=state.skipped + ~taken,
        skipped_in_a_row=jnp.where(finite, 0, state.skipped_in_a_row + 1),
    )


def where(condition: Bool[Array, ""], new: PyTree[Array], old: PyTree[Array]) -> PyTree[Array]:
    """Return `jnp.where` of each array."""
    return jax.tree.map(partial(jnp.where, condition), new, old)


def _shorten(variable: keras.Variable, old: Array, new: Array, fraction: Float[Array, ""]) -> Array:
    """Return a fraction of the step from `old` to `new`, within the constraint; 1 gives `new`, to the bit."""
    between = old + fraction * (new - old)
    if variable.constraint is not None:
        between = cast(Array, variable.constraint(between))
    return jnp.where(fraction < 1, between, new)


def _all_finite(arrays: PyTree[Array]) -> Bool[Array, ""]:
    # As one array: a reduction for each takes XLA, where there are many, two thirds of its time to compile.
    return jnp.isfinite(jnp.concatenate([jnp.ravel(array).astype(float) for array in jax.tree.leaves(arrays)])).all()
