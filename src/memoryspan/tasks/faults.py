"""Checks of the batches of a task: what a task from user code may get wrong, and nothing else would notice."""

import inspect
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from memoryspan.errors import TaskError
from memoryspan.tasks.base import Batch, Task

FAULTS = (
    "a length below 1 or above the width of the array: lengths go from 1 to self.length",
    "a row without a step to answer within its length: target_mask should be true at least once there",
    "a symbol that is not from 0 to n_features - 1",
    "an input that is infinite or not a number",
    "a class that is not from 0 to n_outputs - 1 where target_mask is true",
    "a target that is infinite or not a number where target_mask is true",
)
"""What can be wrong with the values of a batch, in the order of `faults_of`."""

CHECKED_ROWS = 64
"""The number of examples that are checked before a task is used for the first time."""


def faults_of(task: Task, batch: Batch) -> Bool[Array, "faults"]:
    """Return which of `FAULTS` the batch has; runs under `jax.jit`."""
    inputs, lengths, targets, target_mask = batch
    inside = jnp.arange(inputs.shape[1]) < lengths[:, None]
    due = target_mask & inside if target_mask.ndim == 2 else target_mask
    symbols, classes = (jnp.issubdtype(array.dtype, jnp.integer) for array in (inputs, targets))
    never = jnp.bool(False)
    return jnp.stack(
        [
            ((lengths < 1) | (lengths > inputs.shape[1])).any(),
            ~due.reshape(len(due), -1).any(axis=1).all(),
            (((inputs < 0) | (inputs >= task.n_features)) & inside).any() if symbols else never,
            never if symbols else ~(jnp.isfinite(inputs) | ~_like(inside, inputs)).all(),
            (((targets < 0) | (targets >= task.n_outputs)) & due).any() if classes and task.n_outputs > 1 else never,
            never if classes else ~(jnp.isfinite(targets) | ~_like(due, targets)).all(),
        ]
    )


def _like(where: Array, array: Array) -> Array:
    """Return the mask with an axis of 1 for each further one of the array."""
    return where.reshape(*where.shape, *[1] * (array.ndim - where.ndim))


def require_no_faults(task: Task, faults: Any) -> None:
    """Raise `TaskError`, with the line of the user's file, where a batch had one of `FAULTS`."""
    if np.any(faults):
        raise TaskError(f"{_where(task)} samples {FAULTS[int(np.argmax(faults))]}.")


def require_sound(task: Task) -> None:
    """Raise `TaskError` where the task samples values that make no sense, or not with the key that it is given.

    `sample` is compiled: with NumPy, or a key of its own, it would draw one batch when it is compiled, and no other.
    """
    short = replace(task, length=max(task.min_length, min(task.length, 2 * task.min_length)))
    first, again = (jax.jit(lambda key, length: short.sample(key, CHECKED_ROWS, length)) for _ in range(2))
    length = jnp.int32(short.length)
    one, other, repeated = (
        first(jax.random.key(0), length),
        first(jax.random.key(1), length),
        again(jax.random.key(0), length),
    )
    if not _same(one, repeated):
        raise TaskError(
            f"{_where(task)} draws from something else than its key (NumPy, or Python's random), which happens once, "
            f"when it is compiled, and never again: draw with jax.random and the key that sample is given."
        )
    if _same(one, other):
        raise TaskError(
            f"{_where(task)} samples the same batch whatever its key is, so that no example would be fresh: draw with "
            f"jax.random and the key that sample is given."
        )
    require_no_faults(task, faults_of(task, one))


def _same(one: Batch, other: Batch) -> bool:
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(map(np.asarray, one), map(np.asarray, other), strict=True)
    )


def _where(task: Task) -> str:
    """Return the task, and where its `sample` is written."""
    sample = type(task).sample
    try:
        file, (_, line) = inspect.getsourcefile(sample), inspect.getsourcelines(sample)
    except (OSError, TypeError):
        return f"The task {task.name}"
    return f"The task {task.name} ({file}, line {line})"
