"""The recurrence in C++, for the cells that it implements, where the library was built.

It replaces `unroll` on the CPU for LSTM and GRU cells with Keras's defaults. Its results differ from those of `unroll`
in the last bits.

Environment:
    MEMORYSPAN_NATIVE: `off` disables it; `avx512`, `avx2` or `portable` runs the code for that kind of processor.
        Default: the fastest that the processor supports. It is read when this package is imported.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from memoryspan.backend import keras
from memoryspan.engine import cells, native_library
from memoryspan.engine.native_library import ALIGNMENT, Cell, Plan
from memoryspan.errors import BackendError

SWITCH = "MEMORYSPAN_NATIVE"

SETTING = os.environ.get(SWITCH, "").lower()
"""Read once, because programs that are compiled stay as they are: what is reported is what runs."""

LAYERS = keras.layers

Unroll = Callable[..., tuple[Any, Array]]
"""unroll(weights, state, inputs, lengths, every_step) -> (state, hidden states of every step), like `unroll`."""

MIN_STEPS_PER_THREAD = 800
"""Steps of all rows together, padding included, from which a thread is worth its synchronization."""

MAX_TAPE_BYTES = 2**26
"""The maximum size of a tape that holds whole sequences. Beyond it, the backward pass recomputes each segment."""

SEGMENT_STEPS = 32
"""The number of steps of such a segment."""


def why_not_native() -> str | None:
    """Return the reason why no recurrence runs in C++, or None if LSTM and GRU do."""
    if SETTING in {"off", "0", "no", "false", "none"}:
        return f"{SWITCH} is {SETTING}."
    if jax.default_backend() != "cpu":
        return f"it is for the CPU, and JAX uses the {jax.default_backend()}."
    return native_library.why_unavailable()


def native_target() -> str | None:
    """Return the kind of processor whose code runs the recurrence in C++, or None if `unroll` does it.

    It decides the last bits of a result.
    """
    if why_not_native():
        return None
    targets = native_library.targets()
    if SETTING in {"", "on"}:
        return targets[0]
    if SETTING not in targets:
        raise BackendError(f"{SWITCH} should be off, {' or '.join(targets)} on this processor, and it is {SETTING!r}.")
    return SETTING


def native_unroll(cell: keras.Layer) -> Unroll | None:
    """Return the recurrence of this cell in C++, or None if `unroll` has to run it."""
    if not _is_implemented(cell) or (target := native_target()) is None:
        return None
    return partial(_unroll, Cell.LSTM if type(cell) is LAYERS.LSTMCell else Cell.GRU, target)


def _is_implemented(cell: keras.Layer) -> bool:
    if type(cell) not in (LAYERS.LSTMCell, LAYERS.GRUCell) or not getattr(cell, "reset_after", True):
        return False
    tanh, sigmoid = keras.activations.tanh, keras.activations.sigmoid
    return cell.activation is tanh and cell.recurrent_activation is sigmoid


def _unroll(cell: Cell, target: str, weights: cells.Weights, state, inputs, lengths, every_step: bool):
    units = weights.recurrent_kernel.shape[0]
    width = -(-units // ALIGNMENT) * ALIGNMENT

    def padded(array):
        """(..., gates x units) -> (..., gates, width)"""
        apart = array.reshape(*array.shape[:-1], -1, units)
        return jnp.pad(apart, [*[(0, 0)] * (apart.ndim - 1), (0, width - units)])

    kernel, bias = weights.kernel, weights.bias
    if cell is Cell.GRU:  # the bias behind the reset gate is an input that is the same at every step
        gap = jnp.zeros((len(kernel), units))
        kernel = jnp.concatenate([kernel[:, : 2 * units], gap, kernel[:, 2 * units :]], axis=1)
        of_input, of_state = bias[:, 2 * units :]
        bias = jnp.concatenate([bias[:, : 2 * units].sum(0), of_state, of_input])
    unique_rows = inputs.ndim == 3 or len(kernel) > inputs.size
    if unique_rows:
        table = cells.project(padded(kernel).reshape(-1, 4 * width), inputs).reshape(-1, 4, width) + padded(bias)
        inputs = jnp.arange(len(table), dtype=jnp.int32).reshape(inputs.shape[:2])
    else:
        table = padded(kernel + bias)
    start = jnp.concatenate([padded(part) for part in state], axis=1)
    time, batch = inputs.shape
    whole = 4 * batch * native_library.tape_size(cell, time, width, time) <= MAX_TAPE_BYTES
    threads = max(1, min(jax.device_count(), batch, time * batch // MIN_STEPS_PER_THREAD))  # a JAX device is a core
    plan = Plan(threads, time if whole else SEGMENT_STEPS, unique_rows, target)
    recurrent = padded(weights.recurrent_kernel)
    integers = inputs.astype(jnp.int32), lengths.astype(jnp.int32)
    last, outputs = cast(tuple, _native(cell, plan, every_step, table, recurrent, start, *integers))
    return type(state)(*(last[:, i, :units] for i in range(cell.states))), outputs[..., :units]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _native(
    cell: Cell,
    plan: Plan,
    every_step: bool,
    table: Float[Array, "rows 4 width"],
    recurrent: Float[Array, "units gates width"],
    start: Float[Array, "batch states width"],
    inputs: Int[Array, "time batch"],
    lengths: Int[Array, "batch"],
) -> tuple[Float[Array, "batch states width"], Float[Array, "time batch width"]]:
    arrays = table, recurrent, start, inputs, lengths
    last, outputs, _ = native_library.forward(cell, plan._replace(segment=1), *arrays, outputs=every_step, tape=False)
    return last, outputs


def _fwd(cell, plan, every_step, table, recurrent, start, inputs, lengths):
    arrays = table, recurrent, start, inputs, lengths
    last, outputs, tape = native_library.forward(cell, plan, *arrays, outputs=every_step, tape=True)
    return (last, outputs), (table, recurrent, inputs, lengths, tape)


def _bwd(cell, plan, every_step, residuals, cotangents):
    d_start, d_table, d_recurrent = native_library.backward(cell, plan, *residuals, *cotangents)
    return d_table, d_recurrent, d_start, None, None


_native.defvjp(_fwd, _bwd)
