"""One update, and a chunk of them: all that is compiled.

An update samples a batch, takes its gradient, applies the model's own optimizer, and advances the schedule of lengths.
Its random numbers come from the training's key and its own number, so the state after it is a pure function of the
state before.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from memoryspan.backend import keras
from memoryspan.engine import Variables, compiled_loss, forward, weights_of
from memoryspan.engine.dropout import differs_in_training
from memoryspan.engine.through_keras import as_keras_reads
from memoryspan.inference.evaluate import correct
from memoryspan.tasks.base import at_length
from memoryspan.tasks.faults import FAULTS, faults_of
from memoryspan.training.apply import apply_gradient, grad_norm, scale_loss, where
from memoryspan.training.problem import Problem
from memoryspan.training.state import TrainState

CORES = "cores"
"""The name of the axis over which a batch is split."""

UPDATES = 10
"""Updates of a chunk while sequences are short, and between two evaluations on fresh examples."""

STEPS = 16_384
"""Time steps of a chunk at most once sequences are long, so that Python often gets to check the clock."""


def updates_at(length: int) -> int:
    """Return the number of updates in a chunk at this length."""
    return max(1, min(UPDATES, STEPS // length))


class ChunkMetrics(NamedTuple):
    """Sums over the updates of a chunk."""

    updates: Int[Array, ""]
    accuracy: Float[Array, ""]
    """Of the model as it is used: without dropout and noise."""
    loss: Float[Array, ""]
    tokens: Int[Array, ""]
    faults: Bool[Array, "faults"]
    """Which of `tasks.faults.FAULTS` the first batch had."""

    @classmethod
    def zeros(cls) -> "ChunkMetrics":
        """Return the metrics of a chunk before its first update."""
        return cls(jnp.int32(0), jnp.float32(0), jnp.float32(0), jnp.int32(0), jnp.zeros(len(FAULTS), bool))


def run_chunk(
    problem: Problem,
    width: int,
    cores: int,
    state: TrainState,
    key: Array,
    updates: Int[Array, ""],
    limit: Int[Array, ""],
) -> tuple[TrainState, ChunkMetrics]:
    """Run this number of updates, or fewer where the schedule leaves its length, in arrays of this width.

    No sequence is longer than `limit`, which is at most the width. For a model that takes one length a batch, the limit
    is that length.
    """
    model, fwd, config, schedule = problem.model, problem.fwd, problem.config, problem.config.schedule
    max_length, min_length, chance = problem.task.length, problem.min_length, problem.task.chance
    task, gradient_of = at_length(problem.task, width), jax.grad(_objective(problem), has_aux=True)

    def update(carry):
        state, metrics = carry
        progress = state.progress
        for_lengths, for_batch = jax.random.split(jax.random.fold_in(key, state.updates))
        lengths = limit
        if fwd.ragged:
            lengths = schedule.lengths(for_lengths, progress, config.batch_size, min_length)
            # Only a seed that stands still is beyond the limit: its update is discarded, and should not take long.
            lengths = jnp.minimum(lengths, limit)
        batch = task.sample(for_batch, config.batch_size, lengths)
        first = metrics.updates == 0
        faults = lax.cond(first, partial(faults_of, problem.task), lambda batch: metrics.faults, batch)
        tokens = batch.lengths.sum()

        batch, weights = _own_rows((batch, weights_of(batch.target_mask)), cores)
        gradient, (loss, accuracy, non_trainable) = gradient_of(
            state.variables.trainable, state.variables, state.optimizer, batch, weights
        )
        loss, accuracy, gradient = _mean((loss, accuracy, gradient), cores)

        skip, fraction = jnp.bool(False), jnp.float32(1)
        if schedule.gradient_guard is not None:
            norm = grad_norm(gradient, scale_loss(model, state.optimizer, jnp.float32(1)))
            skip = schedule.gradient_guard.skips(progress.length, norm, accuracy)
        if schedule.step_decay is not None:
            fraction = schedule.step_decay.fraction(progress.length)
        new = apply_gradient(model, state, loss, gradient, non_trainable, fraction, skip)

        advanced = schedule.advance(progress, accuracy, chance, min_length, max_length)
        if not fwd.ragged:  # only batches at the current length count, and not the shorter ones between them
            advanced = where(limit >= progress.length, advanced, progress)
        sums = jax.tree.map(jnp.add, metrics, ChunkMetrics(jnp.int32(1), accuracy, loss, tokens, faults & False))
        sums = sums._replace(faults=faults)
        # Data types stay as they were, whatever JAX takes for a number's width (JAX_ENABLE_X64).
        return jax.tree.map(lambda new, old: new.astype(old.dtype), (new._replace(progress=advanced), sums), carry)

    def is_unfinished(carry):
        now, metrics = carry
        return (metrics.updates < updates) & (now.progress.length == state.progress.length)

    return lax.while_loop(is_unfinished, update, (state, ChunkMetrics.zeros()))


def _objective(problem: Problem) -> Callable:
    """Return the function whose gradient is taken, with loss, accuracy and the other variables beside its value."""
    model, fwd, task = problem.model, problem.fwd, problem.task
    loss_of = compiled_loss(model)
    in_use = forward(model) if differs_in_training(model) else None
    own_loss = type(model).compute_loss is not keras.Model.compute_loss

    def objective(trainable, variables, optimizer, batch, weights):
        variables = Variables(trainable, variables.non_trainable)
        output = fwd.apply(variables, batch.inputs, batch.lengths)
        x = as_keras_reads(model, batch.inputs) if own_loss else None
        loss = loss_of(variables, output, batch.targets, weights, x)
        predictions = output.predictions
        if in_use is not None:
            predictions = in_use.apply(lax.stop_gradient(variables), batch.inputs, batch.lengths).predictions
        accuracy = correct(task, predictions, batch).astype(jnp.float32).mean()
        return scale_loss(model, optimizer, loss), (loss, accuracy, output.non_trainable)

    return objective


def _own_rows(arrays: PyTree[Array], cores: int) -> PyTree[Array]:
    """Return the rows of a batch that this core computes."""
    if cores == 1:
        return arrays

    def own(array):
        rows = array.shape[0] // cores
        return lax.dynamic_slice_in_dim(array, lax.axis_index(CORES) * rows, rows)

    return jax.tree.map(own, arrays)


def _mean(values: PyTree[Array], cores: int) -> PyTree[Array]:
    """Return the mean over all cores, the same on each."""
    return values if cores == 1 else lax.pmean(values, CORES)
