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
from memoryspan.tasks import Task
from memoryspan.training.curriculum import Curriculum
from memoryspan.training.state import State
from memoryspan.training.update import CORES, ChunkMetrics, chunk

ROWS = 32
"""Rows of a batch below which a core of its own is not worth the exchange (measured: 32 in all are slower on two)."""


def cores_for(model: keras.Model, fwd: Forward, batch_size: int) -> int:
    """How many CPU devices share a batch: as many as get `ROWS` each, and equally many; 1 where C++ has its threads."""
    # A mean over the batch is the mean of the cores' means; a loss that is reduced in another way stays whole.
    if not is_mean(model) or fwd.engine != "unroll" or fwd.native or jax.default_backend() != "cpu":
        return 1
    most = min(jax.device_count(), batch_size // ROWS)
    return max((n for n in range(2, most + 1) if batch_size % n == 0), default=1)


TrainStep = Callable[..., list[tuple[State, ChunkMetrics]]]
"""program(states, keys, updates, limits) -> a (state, totals) for each seed; each argument is a sequence over seeds."""


def compile_train_step(
    model: keras.Model,
    fwd: Forward,
    task: Task,
    width: int,
    curriculum: Curriculum,
    batch_size: int,
    states: Sequence[State],
    keys: Sequence[Array],
) -> TrainStep:
    """The program for chunks from states like these, one for each seed, in arrays of this width.

    Raises `InsufficientMemoryError` where it does not fit into memory.
    """
    of_task = partial(chunk, model, fwd, task, width, curriculum, batch_size)
    what = f"Training on {len(states) * batch_size:,} sequences of {width:,} steps at a time"
    if len(states) > 1:
        return _compile_together(partial(of_task, 1), states, keys, what)
    cores = cores_for(model, fwd, batch_size)
    return _compile_alone(partial(of_task, cores), cores, states[0], keys[0], what)


def _compile_alone(chunk: Callable, cores: int, state: State, key: Array, what: str) -> TrainStep:
    whole = PartitionSpec()  # each core has all of the state, and draws all of the batch
    at_home = jax.device_get if cores > 1 else _as_it_is
    compiled = _compiled(_on_cores(chunk, cores, whole), cores, (at_home(state), key, *[jnp.int32(0)] * 2), what)

    def run(states, keys, updates, limits):
        # Through NumPy: an array that lies on one device, or on all, goes with no array that lies elsewhere.
        numbers = jnp.int32(updates[0]), jnp.int32(limits[0])
        return [at_home(compiled(at_home(states[0]), keys[0], *numbers))]

    return run


def _compile_together(chunk: Callable, states: Sequence[State], keys: Sequence[Array], what: str) -> TrainStep:
    """Each core takes its share of the seeds, where they can be shared out equally."""
    seeds, most = len(states), jax.device_count() if jax.default_backend() == "cpu" else 1
    cores = max(n for n in range(1, min(most, seeds) + 1) if seeds % n == 0)
    all_chunks = _on_cores(jax.vmap(chunk), cores, PartitionSpec(CORES))

    def program(states, keys, updates, limits):
        return all_chunks(states, jnp.stack(keys), updates, limits)

    numbers = [np.zeros(seeds, np.int32)] * 2
    compiled = _compiled(program, cores, (_stacked(states), tuple(keys), *numbers), what)

    def run(states, keys, updates, limits):
        numbers = np.array(updates, np.int32), np.array(limits, np.int32)
        outcome = jax.device_get(compiled(_stacked(states), tuple(keys), *numbers))
        return [jax.tree.map(itemgetter(seed), outcome) for seed in range(seeds)]

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


def _stacked(states: Sequence[State]) -> State:
    """The states along a first axis, by NumPy, which compiles nothing."""
    return jax.tree.map(lambda *arrays: np.stack(arrays), *jax.device_get(list(states)))


def _as_it_is(arrays: PyTree[Array]) -> PyTree[Array]:
    return arrays
