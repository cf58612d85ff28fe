"""Short-term memory capacity: how many of the last symbols a model's states still hold.

For each number of steps k a linear readout of the states predicts the symbol k steps back; the capacity is the
sum over k of the share of its variance that the readout explains (H. Jaeger, "Short term memory in echo state
networks", GMD Report 152, 2002, equations 6 to 8). There the input is a number; here it is a symbol as its one-hot
vector, and the readouts are fitted on one half of the sequences and judged on the other.
"""

from itertools import count as count_from

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from memoryspan.backend import keras
from memoryspan.engine import forward, variables_of
from memoryspan.errors import ModelError
from memoryspan.inference.reading import n_symbols_of
from memoryspan.sampling import Stream, stream, symbols
from memoryspan.validate import checked, seed_number

SEQUENCES, STEPS = 64, 512
"""The number and the length of sequences of fresh symbols: half of the sequences fit the readouts, and half of the
steps is the maximum k."""

RIDGE = 1e-6
"""The ridge penalty of the readouts, relative to the mean variance of a state: states may be copies of each other."""

NOTHING = 0.01
"""The first readout that explains less of the variance than this ends the sum: the rest is noise."""


@checked
def memory_capacity(model: keras.Model, *, seed: int = 0) -> float:
    """Return the short-term memory capacity of a model that answers at every step, in symbols.

    The states are the inputs of the model's last layer. The model need not be trained.

    Raises:
        ModelError: the model does not answer at every step, or does not take symbols of a known number.
    """
    seed_number(seed)
    n_symbols, states_of = _states(model)
    tokens = symbols(stream(seed, Stream.EVALUATION), SEQUENCES, STEPS, n_symbols)
    states = np.asarray(states_of(tokens), np.float64)
    capacity = 0.0
    for k in count_from(1):
        explained = _explained(states, np.asarray(tokens), k, n_symbols) if k < STEPS // 2 else 0.0
        if explained < NOTHING:
            return capacity
        capacity += explained
    raise AssertionError("a count does not end")


def _states(model: keras.Model):
    """Return the number of symbols, and states_of(tokens), from (batch, time) to (batch, time, units)."""
    n_symbols = n_symbols_of(model)
    states = model.layers[-1].input if model.layers and model.built else None
    if n_symbols is None or states is None or isinstance(states, list) or len(states.shape) != 3:
        raise ModelError(
            f"The memory capacity of {model.name!r} cannot be read off: it should take symbols and answer at "
            f"every step, like lstm(Delay())."
        )
    inner = keras.Model(model.inputs, states)
    fwd, variables = forward(inner), variables_of(inner)
    lengths = jnp.full(SEQUENCES, STEPS, jnp.int32)
    return n_symbols, jax.jit(lambda tokens: fwd.apply(variables, tokens, lengths).predictions)


def _explained(
    states: Float[np.ndarray, "batch time units"], tokens: Int[np.ndarray, "batch time"], k: int, n_symbols: int
) -> float:
    """Return the share of the variance of the symbols k steps back that a linear readout explains."""
    behind, half = STEPS // 2, SEQUENCES // 2  # the states of the first steps have seen too few symbols
    x = states[:, behind:]
    y = np.eye(n_symbols)[tokens[:, behind - k : STEPS - k]]
    mean, y = x[:half].mean((0, 1)), y - 1 / n_symbols
    fitted, judged = (part.reshape(-1, part.shape[-1]) for part in (x[:half] - mean, x[half:] - mean))
    wanted, truth = (part.reshape(-1, n_symbols) for part in (y[:half], y[half:]))
    square = fitted.T @ fitted
    readout = np.linalg.solve(square + RIDGE * np.trace(square) / len(square) * np.eye(len(square)), fitted.T @ wanted)
    return 1 - float(((judged @ readout - truth) ** 2).sum() / (truth**2).sum())
