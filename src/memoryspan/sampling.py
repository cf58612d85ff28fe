"""Random numbers on the device."""

from enum import IntEnum
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Int

from memoryspan import machine
from memoryspan.backend import jax
from memoryspan.errors import TaskError
from memoryspan.validate import shown, whole_number

DRAWN_TOKEN = 8
"""Bytes of a time step of an example at the least: a token, and the random bits that it is made of."""


class Stream(IntEnum):
    """The independent streams of random numbers that a seed has."""

    TRAINING = 0
    EVALUATION = 1
    SHOWN = 2


def stream(seed: int, which: Stream) -> Array:
    """The key of one of a seed's streams."""
    return jax.random.fold_in(jax.random.key(seed), which)


def integers(
    key: Array, shape: tuple[int, ...], at_least: int | Int[Array, "..."], below: int | Int[Array, "..."]
) -> Int[Array, "..."]:
    """Whole numbers, uniform in at_least … below - 1; the bounds may be known only at run time, and differ.

    `jax.random.randint` draws twice to be exactly uniform, and half of a first training's wait was compiling it. A
    remainder of 32 random bits favours some numbers by less than one part in 2**32 / (below - at_least).
    """
    span = jnp.asarray(below - at_least, jnp.uint32)
    return at_least + (jax.random.bits(key, shape, jnp.uint32) % span).astype(jnp.int32)


def symbols(key: Array, batch_size: int, time: int, n_symbols: int) -> Int[Array, "batch time"]:
    """Independent, uniform symbols; in wider arrays the same ones, and more behind them."""
    return integers(key, (time, batch_size), 0, n_symbols).T  # time first: bits are drawn in order of the first axis


def distinct(
    key: Array, batch_size: int, count: int, below: int | Int[Array, ""] | Int[Array, "batch"]
) -> Int[Array, "batch count"]:
    """Draw in each row `count` different numbers out of 0 … below - 1, every choice in every order equally likely.

    The i-th drawn is the rank of its number among those that the ones before it left, the Lehmer code of a
    permutation; ranks turn into numbers from the last to the first (D. E. Knuth, "The Art of Computer Programming",
    volume 3, 1998, section 5.1.1). It takes count² steps a row, however large `below` is.
    """
    order = jnp.arange(count)[:, None]
    ranks = integers(key, (count, batch_size), 0, below - order)

    def before(i: Int[Array, ""], numbers: Int[Array, "count batch"]) -> Int[Array, "count batch"]:
        this = count - 1 - i
        return numbers + ((order > this) & (numbers >= numbers[this]))

    return lax.fori_loop(0, count, before, ranks).T


def require_draw(task: Any, key: Any, batch_size: Any, length: Any) -> None:
    """Raise `TaskError` where a task cannot sample with these arguments; lengths that are traced are not known yet."""
    if not (isinstance(key, Array) and (jnp.issubdtype(key.dtype, jax.dtypes.prng_key) or key.dtype == jnp.uint32)):
        raise TaskError(f"key must be a key of jax.random, got {shown(key)}: use key=jax.random.key(0), for example.")
    whole_number("batch_size", batch_size, at_least=1, instead="32, for example")
    if not isinstance(key, Tracer):
        machine.require_memory(DRAWN_TOKEN * int(batch_size) * task.length, f"Sampling {batch_size:,} sequences")
    if not isinstance(length, Tracer):
        for each in np.unique(length).tolist() if isinstance(length, Array | np.ndarray) else [length]:
            whole_number(
                "length",
                each,
                at_least=0,
                at_most=task.length,
                given=f" for a task of length={task.length}",
                instead=f"{task.length}, for example",
            )


def row_lengths(length: int | Int[Array, ""] | Int[Array, "batch"], batch_size: int) -> Int[Array, "batch"]:
    """The length of each row, where one may be given for all."""
    return jnp.broadcast_to(jnp.asarray(length, jnp.int32), (batch_size,))
