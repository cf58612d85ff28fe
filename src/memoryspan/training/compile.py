"""Compiling a chunk of updates, for one seed or several at once, on one core or several."""

from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, PartitionSpec
from jaxtyping import Array, PyTree

from memoryspan import machine
from memoryspan.backend import keras
from memoryspan.engine import Forward, is_mean
from memoryspan.training.problem import Problem
from memoryspan.training.state import TrainState
from memoryspan.training.update import CORES, ChunkMetrics, run_chunk

MIN_ROWS = 32
"""The fewest rows of a batch that are worth a core of their own (measured: 32 in all are slower on two)."""


def cores_for(model: keras.Model, fwd: Forward, batch_size: int) -> int:
    """Return how many CPU devices share a batch equally, with at least `MIN_ROWS` each; 1 where C++ has its threads."""
    # A mean over the batch is the mean of the cores' means; a loss that is reduced in another way stays whole.
    if not is_mean(model) or fwd.engine != "unroll" or fwd.native or jax.default_backend() != "cpu":
        return 1
    most = min(jax.device_count(), batch_size // MIN_ROWS)
    return max((n for n in range(2, most + 1) if batch_size % n == 0), default=1)


TrainStep = Callable[..., list[tuple[TrainState, ChunkMetrics]]]
"""step(states, keys, updates, limits) -> a (state, metrics) for each seed; each argument is a sequence over seeds."""


def compile_train_step(problem: Problem, width: int, states: Sequence[TrainState], keys: Sequence[Array]) -> TrainStep:
    """Compile a chunk from states like these, one for each seed, in arrays of this width.

    Raises `InsufficientMemoryError` where it does not fit into memory.
    """
    batch_size, seeds = problem.config.batch_size, len(states)
    what = f"Training on {seeds * batch_size:,} sequences of {width:,} steps at a time"
    if seeds > 1:
        return _compile_together(partial(run_chunk, problem, width, 1), states, keys, what)
    cores = cores_for(problem.model, problem.fwd, batch_size)
    return _compile_alone(partial(run_chunk, problem, width, cores), cores, states[0], keys[0], what)


def _compile_alone(chunk: Callable, cores: int, state: TrainState, key: Array, what: str) -> TrainStep:
    whole = PartitionSpec()  # each core has all of the state, and draws all of the batch
    to_host = jax.device_get if cores > 1 else _identity
    compiled = _compiled(_on_cores(chunk, cores, whole), cores, (to_host(state), key, *[jnp.int32(0)] * 2), what)

    def run(states, keys, updates, limits):
        # Through NumPy: arrays that are on different sets of devices cannot go into one program.
        numbers = jnp.int32(updates[0]), jnp.int32(limits[0])
        return [to_host(compiled(to_host(states[0]), keys[0], *numbers))]

    return run


def _compile_together(chunk: Callable, states: Sequence[TrainState], keys: Sequence[Array], what: str) -> TrainStep:
    """Compile for several seeds, with an equal share for each core where that is possible."""
    seeds, most = len(states), jax.device_count() if jax.default_backend() == "cpu" else 1
    cores = max(n for n in range(1, min(most, seeds) + 1) if seeds % n == 0)
    all_chunks = _on_cores(jax.vmap(chunk), cores, PartitionSpec(CORES))

    def program(states, keys, updates, limits):
        return all_chunks(states, jnp.stack(keys), updates, limits)

    numbers = [np.zeros(seeds, np.int32)] * 2
    compiled = _compiled(program, cores, (_stacked(states), tuple(keys), *numbers), what)

    def run(states, keys, updates, limits):
        numbers = np.array(updates, np.int32), np.array(limits, np.int32)
        results = jax.device_get(compiled(_stacked(states), tuple(keys), *numbers))
        return [jax.tree.map(itemgetter(seed), results) for seed in range(seeds)]

    return run


def _on_cores(program: Callable, cores: int, parts: PartitionSpec) -> Callable:
    if cores == 1:
        return program
    mesh = jax.make_mesh((cores,), (CORES,), (AxisType.Auto,), devices=jax.devices()[:cores])
    return jax.shard_map(program, mesh=mesh, in_specs=parts, out_specs=parts, check_vma=False)


def _compiled(program: Callable, cores: int, arguments: tuple, what: str) -> Callable:
    compiled = jax.jit(program).lower(*arguments).compile()
    machine.require_memory(cores * machine.temporary(compiled), what)
    return compiled


def _stacked(states: Sequence[TrainState]) -> TrainState:
    """Return the states along a first axis, stacked by NumPy, which compiles nothing."""
    return jax.tree.map(lambda *arrays: np.stack(arrays), *jax.device_get(list(states)))


def _identity(arrays: PyTree[Array]) -> PyTree[Array]:
    return arrays
