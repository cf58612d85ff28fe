"""One update, and a chunk of them: all that is compiled.

An update samples a batch, takes its gradient, applies the model's own optimizer, and moves the curriculum. Its random
numbers come from the training's key and its own number, so the state after it is a pure function of the state before.
"""

from functools import partial
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from memoryspan.backend import keras
from memoryspan.engine import Forward, Variables, compiled_loss, forward, weights_of
from memoryspan.engine.dropout import differs_in_training
from memoryspan.engine.forward import as_keras_reads
from memoryspan.inference.evaluate import correct
from memoryspan.tasks import Task
from memoryspan.tasks.base import at_length
from memoryspan.tasks.faults import FAULTS, faults_of
from memoryspan.training.curriculum import Curriculum
from memoryspan.training.state import State

CORES = "cores"
"""The name of the axis over which a batch is split."""


class ChunkMetrics(NamedTuple):
    """Sums over the updates of a chunk."""

    updates: Int[Array, ""]
    accuracy: Float[Array, ""]
    """Of the model as it is used: without dropout and noise."""
    loss: Float[Array, ""]
    tokens: Int[Array, ""]
    faults: Bool[Array, "faults"]
    """Which of `tasks.faults.FAULTS` the first batch had."""


def chunk(
    model: keras.Model,
    fwd: Forward,
    task: Task,
    width: int,
    curriculum: Curriculum,
    batch_size: int,
    cores: int,
    state: State,
    key: Array,
    updates: Int[Array, ""],
    limit: Int[Array, ""],
) -> tuple[State, ChunkMetrics]:
    """As many updates as asked for, or fewer, where the curriculum outgrows the limit (at most the width).

    For a model that takes one length a batch the limit is that length.
    """
    loss_of = compiled_loss(model)
    used = forward(model) if differs_in_training(model) else None
    own_loss = type(model).compute_loss is not keras.Model.compute_loss
    of_width = at_length(task, width)
    min_length = fwd.length_from(task.min_length, task.length)

    def objective(trainable, variables, optimizer, batch, weights):
        variables = Variables(trainable, variables.non_trainable)
        outcome = fwd.apply(variables, batch.inputs, batch.lengths)
        x = as_keras_reads(model, batch.inputs) if own_loss else None
        loss = loss_of(variables, outcome, batch.targets, weights, x)
        predictions = outcome.predictions
        if used is not None:
            predictions = used.apply(lax.stop_gradient(variables), batch.inputs, batch.lengths).predictions
        accuracy = correct(task, predictions, batch).astype(jnp.float32).mean()
        return _scaled(model, optimizer, loss), (loss, accuracy, outcome.non_trainable)

    def update(carry):
        state, totals = carry
        for_lengths, for_batch = jax.random.split(jax.random.fold_in(key, state.updates))
        drawn = limit
        if fwd.ragged:
            drawn = curriculum.lengths(for_lengths, state.progress, batch_size, min_length)
            # Beyond the limit only a seed that stands still: what it learns is thrown away, and should not take long.
            drawn = jnp.minimum(drawn, limit)
        batch = of_width.sample(for_batch, batch_size, drawn)
        faults = lax.cond(totals.updates == 0, partial(faults_of, task), lambda batch: totals.faults, batch)
        tokens = batch.lengths.sum()
        batch, weights = _own_rows((batch, weights_of(batch.target_mask)), cores)
        gradient, (loss, accuracy, non_trainable) = jax.grad(objective, has_aux=True)(
            state.variables.trainable, state.variables, state.optimizer, batch, weights
        )
        loss, accuracy, gradient = _mean((loss, accuracy, gradient), cores)
        norm = _norm(gradient, _scaled(model, state.optimizer, jnp.float32(1)))
        exploded = curriculum.has_exploded(state.progress, norm, accuracy)
        new = _apply(model, state, loss, gradient, non_trainable, curriculum.step_size(state.progress), exploded)
        progress = curriculum.advance(state.progress, accuracy, task.chance, min_length, task.length)
        if not fwd.ragged:  # what is judged is the current length, and not the shorter ones that were drawn between
            progress = _keep(limit >= state.progress.length, progress, state.progress)
        sums = jax.tree.map(jnp.add, totals, ChunkMetrics(jnp.int32(1), accuracy, loss, tokens, faults & False))
        sums = sums._replace(faults=faults)
        # As they were, whatever JAX takes for a number's width (JAX_ENABLE_X64).
        return jax.tree.map(lambda new, old: new.astype(old.dtype), (new._replace(progress=progress), sums), carry)

    def goes_on(carry):
        now, totals = carry
        return (totals.updates < updates) & (now.progress.length == state.progress.length)

    nothing = ChunkMetrics(jnp.int32(0), jnp.float32(0), jnp.float32(0), jnp.int32(0), jnp.zeros(len(FAULTS), bool))
    return lax.while_loop(goes_on, update, (state, nothing))


def _own_rows(arrays: PyTree[Array], cores: int) -> PyTree[Array]:
    """The rows of a batch that fall to this core."""
    if cores == 1:
        return arrays

    def own(array):
        rows = array.shape[0] // cores
        return lax.dynamic_slice_in_dim(array, lax.axis_index(CORES) * rows, rows)

    return jax.tree.map(own, arrays)


def _mean(values: PyTree[Array], cores: int) -> PyTree[Array]:
    """The mean over all cores, the same on each."""
    return values if cores == 1 else lax.pmean(values, CORES)


def _scaled(model: keras.Model, optimizer: list[Array], loss: Float[Array, ""]) -> Float[Array, ""]:
    """What the optimizer wants the gradient of: for half precision, a multiple of the loss."""
    pairs = zip(model.optimizer.variables, optimizer, strict=True)
    with keras.StatelessScope(state_mapping=list(pairs)):
        return cast(Array, model.optimizer.scale_loss(loss))


def _norm(gradient: list[Array], scale: Float[Array, ""]) -> Float[Array, ""]:
    """Of the whole gradient, were the loss not scaled."""
    return jnp.sqrt(sum(jnp.sum(jnp.square(array.astype(jnp.float32) / scale)) for array in gradient))


def _apply(
    model: keras.Model,
    state: State,
    loss: Float[Array, ""],
    gradient: list[Array],
    non_trainable: list[Array],
    step_size: Float[Array, ""],
    exploded: Bool[Array, ""],
) -> State:
    """The optimizer's step, shortened to `step_size`; none, but counted, of an exploded gradient or to infinity."""
    trainable = state.variables.trainable
    proposed, optimizer = model.optimizer.stateless_apply(state.optimizer, gradient, trainable)
    triples = zip(model.trainable_variables, trainable, proposed, strict=True)
    proposed = [_shortened(variable, old, new, step_size) for variable, old, new in triples]
    finite = _all_finite((loss, gradient, proposed, optimizer, non_trainable))
    taken = finite & ~exploded
    variables = _keep(taken, Variables(proposed, non_trainable), state.variables)
    # One that scales the loss skips what is not finite by itself, and learns of it.
    scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    optimizer = _keep(taken | ~finite if scales else taken, optimizer, state.optimizer)
    return state._replace(
        variables=variables,
        optimizer=optimizer,
        updates=state.updates + 1,
        skipped=state.skipped + ~taken,
        skipped_in_a_row=jnp.where(finite, 0, state.skipped_in_a_row + 1),
    )


def _shortened(variable: keras.Variable, old: Array, new: Array, share: Float[Array, ""]) -> Array:
    """A share of the step from `old` to `new`, within the variable's constraint; at share 1 `new`, to the bit."""
    between = old + share * (new - old)
    if variable.constraint is not None:
        between = cast(Array, variable.constraint(between))
    return jnp.where(share < 1, between, new)


def _keep(taken: Bool[Array, ""], new: PyTree[Array], old: PyTree[Array]) -> PyTree[Array]:
    return jax.tree.map(partial(jnp.where, taken), new, old)


def _all_finite(arrays: PyTree[Array]) -> Bool[Array, ""]:
    # As one array: a reduction for each takes XLA, where there are many, two thirds of its time to compile.
    return jnp.isfinite(jnp.concatenate([jnp.ravel(array).astype(float) for array in jax.tree.leaves(arrays)])).all()
