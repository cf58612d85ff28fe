"""The steps of the stock Keras cells, as pure functions for `unroll`.

Each reads like the equations of its paper, in the order of gates in which Keras keeps the weights, so that a
Keras layer's arrays are used as they are. Inputs are tokens (a one-hot vector times a kernel is a row of the
kernel) or real vectors. A step also returns its gates; where they are not used, XLA leaves them out.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Activation = Callable[[Array], Array]


class Weights(NamedTuple):
    """What a stock cell learns, under Keras's names; a bias that the layer does without is zero."""

    kernel: Float[Array, "features gates"]
    recurrent_kernel: Float[Array, "units gates"]
    bias: Float[Array, "..."]


class Hidden(NamedTuple):
    """The state of a SimpleRNN and of a GRU."""

    hidden: Float[Array, "batch units"]


class HiddenAndCell(NamedTuple):
    """The state of an LSTM."""

    hidden: Float[Array, "batch units"]
    cell: Float[Array, "batch units"]


class LSTMGates(NamedTuple):
    """What lets in, keeps, is let in, and lets out, in an LSTM."""

    input: Float[Array, "batch units"]
    forget: Float[Array, "batch units"]
    candidate: Float[Array, "batch units"]
    output: Float[Array, "batch units"]


class GRUGates(NamedTuple):
    """What keeps (1: all of the state), what the candidate sees of the state, and the candidate, in a GRU."""

    update: Float[Array, "batch units"]
    reset: Float[Array, "batch units"]
    candidate: Float[Array, "batch units"]


class NoGates(NamedTuple):
    """Those of a SimpleRNN."""


def project(
    kernel: Float[Array, "features units"], x: Int[Array, "..."] | Float[Array, "... features"]
) -> Float[Array, "... units"]:
    """`x @ kernel`, where `x` may be tokens that stand for their one-hot vectors."""
    if jnp.issubdtype(x.dtype, jnp.integer):
        return jnp.take(kernel, x, axis=0, mode="clip")
    return x @ kernel


def simple_rnn(activation: Activation):
    """Elman's network (Cognitive Science 14(2), 1990): h' = activation(x W + h R + b)."""

    def step(weights: Weights, state: Hidden, x):
        z = project(weights.kernel, x) + state.hidden @ weights.recurrent_kernel + weights.bias
        return Hidden(activation(z)), NoGates()

    return step


def lstm(activation: Activation, recurrent_activation: Activation):
    """Hochreiter & Schmidhuber (Neural Computation 9(8), 1997), with the forget gate of Gers et al. (2000)."""

    def step(weights: Weights, state: HiddenAndCell, x):
        z = project(weights.kernel, x) + state.hidden @ weights.recurrent_kernel + weights.bias
        i, f, g, o = jnp.split(z, 4, axis=-1)
        i, f, o = recurrent_activation(i), recurrent_activation(f), recurrent_activation(o)
        g = activation(g)
        cell = f * state.cell + i * g
        return HiddenAndCell(o * activation(cell), cell), LSTMGates(i, f, g, o)

    return step


def gru(activation: Activation, recurrent_activation: Activation):
    """Cho et al. (arXiv 1406.1078, v3): the reset gate acts on h *after* its product; two biases. Keras's default."""

    def step(weights: Weights, state: Hidden, x):
        input_bias, recurrent_bias = weights.bias
        of_x = project(weights.kernel, x) + input_bias
        of_h = state.hidden @ weights.recurrent_kernel + recurrent_bias
        (x_z, x_r, x_g), (h_z, h_r, h_g) = jnp.split(of_x, 3, axis=-1), jnp.split(of_h, 3, axis=-1)
        z, r = recurrent_activation(x_z + h_z), recurrent_activation(x_r + h_r)
        g = activation(x_g + r * h_g)
        return Hidden(z * state.hidden + (1 - z) * g), GRUGates(z, r, g)

    return step


def gru_reset_before(activation: Activation, recurrent_activation: Activation):
    """Cho et al. (arXiv 1406.1078, v1): the reset gate acts on h *before* its product (`reset_after=False`)."""

    def step(weights: Weights, state: Hidden, x):
        h, units = state.hidden, state.hidden.shape[-1]
        of_gates, of_candidate = jnp.split(weights.recurrent_kernel, [2 * units], axis=-1)
        x_z, x_r, x_g = jnp.split(project(weights.kernel, x) + weights.bias, 3, axis=-1)
        h_z, h_r = jnp.split(h @ of_gates, 2, axis=-1)
        z, r = recurrent_activation(x_z + h_z), recurrent_activation(x_r + h_r)
        g = activation(x_g + (r * h) @ of_candidate)
        return Hidden(z * h + (1 - z) * g), GRUGates(z, r, g)

    return step
