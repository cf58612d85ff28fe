"""Random numbers on the device."""

from enum import IntEnum

import jax.numpy as jnp
from jaxtyping import Array, Int

from memoryspan.backend import jax


class Stream(IntEnum):
    """The independent streams of random numbers that a seed has."""

    TRAINING = 0
    EVALUATION = 1
    SHOWN = 2


def stream(seed: int, which: Stream) -> Array:
    """The key of one of a seed's streams."""
    return jax.random.fold_in(jax.random.key(seed), which)


def integers(
    key: Array, shape: tuple[int, ...], at_least: int | Int[Array, ""], below: int | Int[Array, ""]
) -> Int[Array, "..."]:
    """Whole numbers, uniform in at_least … below - 1; the bounds may be known only at run time.

    `jax.random.randint` draws twice to be exactly uniform, and half of a first training's wait was compiling it. A
    remainder of 32 random bits favours some numbers by less than one part in 2**32 / (below - at_least).
    """
    span = jnp.asarray(below - at_least, jnp.uint32)
    return at_least + (jax.random.bits(key, shape, jnp.uint32) % span).astype(jnp.int32)


def symbols(key: Array, batch_size: int, time: int, n_symbols: int) -> Int[Array, "batch time"]:
    """Independent, uniform symbols; in wider arrays the same ones, and more behind them."""
    return integers(key, (time, batch_size), 0, n_symbols).T  # time first: bits are drawn in order of the first axis
