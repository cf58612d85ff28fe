"""An LSTM, a linear answer after the last step, and Adam, in NumPy alone: the backward pass is written by hand.

As fast as NumPy was made to do it here. A call of NumPy's costs about as much as the arithmetic of such a small array,
so a step is as few calls as possible: one product for all gates, inputs and biases; one tanh for all gates, for
sigmoid(x) = (1 + tanh(x / 2)) / 2; and on the way back only what depends on the step after, with all else done for all
steps at once. The batch is the last axis, so that a gate is a block of memory in one piece.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

HALF = np.float32(0.5)
"""Not Python's, which costs NumPy a look at its type each time."""


class Weights(NamedTuple):
    """The trained arrays; gradients and the moments of Adam have the same form."""

    gates: Float[np.ndarray, "4*units units+features+1"]
    """Rows: output, input and forget gate, candidate. Columns: state, inputs, bias."""
    answer: Float[np.ndarray, "units+1"]
    """The dense layer, its bias last."""


class Walk(NamedTuple):
    """What the way there leaves for the way back."""

    seen: Float[np.ndarray, "time+1 units+features+1 batch"]
    """What each step reads: the hidden state before it, its inputs, and a one for the bias."""
    gates: Float[np.ndarray, "time+1 5*units batch"]
    """Gates and candidate of each step, in the order of `Weights.gates`; behind them the cell state before it."""
    squashed: Float[np.ndarray, "time units batch"]
    """tanh of the cell state after each step."""
    answers: Float[np.ndarray, "batch"]


class Adam(NamedTuple):
    """Where the optimizer stands (D. P. Kingma & J. Ba 2015, arXiv 1412.6980)."""

    weights: Weights
    mean: Weights
    square: Weights
    updates: int = 0


def from_keras(
    kernel: Float[np.ndarray, "features 4*units"],
    recurrent: Float[np.ndarray, "units 4*units"],
    bias: Float[np.ndarray, "4*units"],
    dense: Float[np.ndarray, "units 1"],
    dense_bias: Float[np.ndarray, "1"],
) -> Weights:
    """The weights of a Keras model of an LSTM and a dense layer, in the order in which Keras gives them."""
    of_input, of_forget, candidate, of_output = np.split(np.vstack([recurrent, kernel, bias]), 4, axis=1)
    gates = np.hstack([of_output, of_input, of_forget, candidate]).T
    return Weights(np.ascontiguousarray(gates), np.vstack([dense, dense_bias])[:, 0])


def walk(weights: Weights, inputs: Float[np.ndarray, "time features batch"]) -> Walk:
    """The forward pass over all steps."""
    (time, features, batch), units = inputs.shape, len(weights.answer) - 1
    halved = weights.gates * np.repeat(np.array([0.5, 0.5, 0.5, 1], np.float32), units)[:, None]
    seen = np.empty((time + 1, units + features + 1, batch), np.float32)
    seen[0, :units], seen[:-1, units:-1], seen[:, -1] = 0, inputs, 1
    gates = np.empty((time + 1, 5 * units, batch), np.float32)
    gates[0, 4 * units :] = 0
    squashed = np.empty((time, units, batch), np.float32)
    products = np.empty((2 * units, batch), np.float32)
    for t in range(time):
        here, sigmoids, cell = gates[t, : 4 * units], gates[t, : 3 * units], gates[t + 1, 4 * units :]
        np.matmul(halved, seen[t], out=here)
        np.tanh(here, out=here)
        np.multiply(sigmoids, HALF, out=sigmoids)
        np.add(sigmoids, HALF, out=sigmoids)
        # Input gate times candidate, and forget gate times cell state: they lie side by side.
        np.multiply(gates[t, units : 3 * units], gates[t, 3 * units :], out=products)
        np.add(products[:units], products[units:], out=cell)
        np.tanh(cell, out=squashed[t])
        np.multiply(here[:units], squashed[t], out=seen[t + 1, :units])
    return Walk(seen, gates, squashed, weights.answer[:-1] @ seen[-1, :units] + weights.answer[-1])


def gradients(weights: Weights, walked: Walk, targets: Float[np.ndarray, "batch"]) -> Weights:
    """Of the mean squared error."""
    seen, gates, squashed, answers = walked
    time, units, batch = squashed.shape
    error = (answers - targets) * np.float32(2 / batch)
    outputs, forgets = gates[:-1, :units], gates[:-1, 2 * units : 3 * units]
    slopes = _slopes(walked).reshape(time, 4, units, batch)
    cell_slopes = outputs * (1 - squashed * squashed)
    back = np.ascontiguousarray(weights.gates[:, :units].T)
    d_gates = np.empty_like(slopes)
    d_state, d_cell = weights.answer[:-1, None] * error, np.zeros((units, batch), np.float32)
    through_output = np.empty_like(d_cell)
    for t in reversed(range(time)):
        np.multiply(d_state, cell_slopes[t], out=through_output)
        np.add(d_cell, through_output, out=d_cell)
        np.multiply(d_state, slopes[t, 0], out=d_gates[t, 0])
        np.multiply(d_cell, slopes[t, 1:], out=d_gates[t, 1:])
        np.multiply(d_cell, forgets[t], out=d_cell)
        np.matmul(back, d_gates[t].reshape(4 * units, batch), out=d_state)
    # Step by step and not as one product, which BLAS would share out to threads: on a busy machine they wait.
    of_gates = np.matmul(d_gates.reshape(time, 4 * units, batch), seen[:-1].swapaxes(1, 2)).sum(0)
    return Weights(of_gates, np.append(seen[-1, :units] @ error, error.sum()))


def _slopes(walked: Walk) -> Float[np.ndarray, "time 4*units batch"]:
    """By how much each gate, before its squashing, moves the hidden state (output) or the cell state (the others)."""
    gates, units = walked.gates[:-1], walked.squashed.shape[1]
    sigmoids, candidate = gates[:, : 3 * units], gates[:, 3 * units : 4 * units]
    slopes = np.empty((len(gates), 4 * units, gates.shape[2]), np.float32)
    np.multiply(sigmoids, 1 - sigmoids, out=slopes[:, : 3 * units])
    slopes[:, :units] *= walked.squashed
    slopes[:, units : 3 * units] *= gates[:, 3 * units :]  # the candidate, and the cell state behind it
    np.multiply(gates[:, units : 2 * units], 1 - candidate * candidate, out=slopes[:, 3 * units :])
    return slopes


def fresh(weights: Weights) -> Adam:
    """Before the first update."""
    zeros = Weights(*map(np.zeros_like, weights))
    return Adam(weights, zeros, zeros)


def updated(state: Adam, gradient: Weights, learning_rate: float, clipnorm: float) -> Adam:
    """One update, with the gradient clipped by its global norm and the constants that Keras has by default."""
    decay, decay_square, epsilon = 0.9, 0.999, 1e-7
    norm = sum(float(np.vdot(part, part)) for part in gradient) ** 0.5
    share = np.float32(min(1.0, clipnorm / max(norm, epsilon)))
    gradient = Weights(*(part * share for part in gradient))
    updates = state.updates + 1
    step = learning_rate * (1 - decay_square**updates) ** 0.5 / (1 - decay**updates)
    mean = Weights(*(m + (g - m) * (1 - decay) for m, g in zip(state.mean, gradient, strict=True)))
    square = Weights(*(s + (g * g - s) * (1 - decay_square) for s, g in zip(state.square, gradient, strict=True)))
    weights = Weights(
        *(w - m * step / (np.sqrt(s) + epsilon) for w, m, s in zip(state.weights, mean, square, strict=True))
    )
    return Adam(weights, mean, square, updates)
