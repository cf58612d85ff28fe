"""The recurrence in C++, where the optional package memoryspan-native is installed and serves the cell.

It stands in for `unroll` on the processor: LSTM and GRU as Keras makes them by default. Its results differ from those
of `unroll` in the last bits.

Environment:
    MEMORYSPAN_NATIVE: `off` leaves it out; `avx512`, `avx2` or `portable` runs the code for that kind of processor.
        Default: the fastest that the processor has.
"""

import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from memoryspan.backend import keras
from memoryspan.engine import cells
from memoryspan.errors import BackendError

SWITCH = "MEMORYSPAN_NATIVE"

LAYERS = keras.layers

Walk = Callable[..., tuple[Any, Array]]
"""walk(weights, state, inputs, lengths, every_step) -> (state, hidden states of every step), as of `unroll`."""

STEPS = 800
"""Steps of all rows together, padding included, below which a thread of its own is not worth the exchange."""

KEPT = 2**26
"""Bytes that the way back may find as the way there left them; beyond, it walks each segment a second time."""

SEGMENT = 32
"""Steps of such a segment."""


def native() -> ModuleType | None:
    """The package, where it is installed, not switched off, and programs run on the processor."""
    if _asked() in {"off", "0", "no", "false", "none"} or jax.default_backend() != "cpu":
        return None
    try:
        return import_module("memoryspan_native")
    except ModuleNotFoundError:
        return None


def native_version() -> str | None:
    """Which one it is, and for what kind of processor: both decide the last bits. None where `unroll` has to do."""
    module = native()
    return module and f"{module.__version__} ({_path(module)})"


def _asked() -> str:
    return os.environ.get(SWITCH, "").lower()


def _path(module: ModuleType) -> str:
    paths = module.paths()
    if _asked() not in {"", "on", *paths}:
        raise BackendError(f"{SWITCH} should be off, {' or '.join(paths)} on this processor, and it is {_asked()!r}.")
    return _asked() if _asked() in paths else paths[0]


def native_walk(cell: keras.Layer) -> Walk | None:
    """The walk of this cell in C++; None where `unroll` has to do."""
    module = native()
    if module is None or not _is_served(cell):
        return None
    return partial(_walk, module, module.Cell.LSTM if type(cell) is LAYERS.LSTMCell else module.Cell.GRU)


def _is_served(cell: keras.Layer) -> bool:
    if type(cell) not in (LAYERS.LSTMCell, LAYERS.GRUCell) or not getattr(cell, "reset_after", True):
        return False
    tanh, sigmoid = keras.activations.tanh, keras.activations.sigmoid
    return cell.activation is tanh and cell.recurrent_activation is sigmoid


def _walk(module, cell, weights: cells.Weights, state, inputs, lengths, every_step: bool):
    units = weights.recurrent_kernel.shape[0]
    width = -(-units // module.ALIGNMENT) * module.ALIGNMENT

    def padded(array):
        """(..., gates x units) -> (..., gates, width)"""
        apart = array.reshape(*array.shape[:-1], -1, units)
        return jnp.pad(apart, [*[(0, 0)] * (apart.ndim - 1), (0, width - units)])

    kernel, bias = weights.kernel, weights.bias
    if cell is module.Cell.GRU:  # reads the bias behind its reset gate as an input, the same at every step
        gap = jnp.zeros((len(kernel), units))
        kernel = jnp.concatenate([kernel[:, : 2 * units], gap, kernel[:, 2 * units :]], axis=1)
        of_input, of_state = bias[:, 2 * units :]
        bias = jnp.concatenate([bias[:, : 2 * units].sum(0), of_state, of_input])
    own_rows = inputs.ndim == 3 or len(kernel) > inputs.size
    if own_rows:
        table = cells.project(padded(kernel).reshape(-1, 4 * width), inputs).reshape(-1, 4, width) + padded(bias)
        inputs = jnp.arange(len(table), dtype=jnp.int32).reshape(inputs.shape[:2])
    else:
        table = padded(kernel + bias)
    start = jnp.concatenate([padded(part) for part in state], axis=1)
    time, batch = inputs.shape
    segment = time if 4 * batch * module.tape_size(cell, time, width, time) <= KEPT else SEGMENT
    threads = max(1, min(jax.device_count(), batch, time * batch // STEPS))  # a device of JAX's is a core
    plan = module.Plan(threads, segment, own_rows, _path(module))
    recurrent = padded(weights.recurrent_kernel)
    integers = inputs.astype(jnp.int32), lengths.astype(jnp.int32)
    last, outputs = cast(tuple, _native(module, cell, plan, every_step, table, recurrent, start, *integers))
    return type(state)(*(last[:, i, :units] for i in range(cell.states))), outputs[..., :units]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2, 3))
def _native(
    module: ModuleType,
    cell,
    plan,
    every_step: bool,
    table: Float[Array, "rows 4 width"],
    recurrent: Float[Array, "units gates width"],
    start: Float[Array, "batch states width"],
    inputs: Int[Array, "time batch"],
    lengths: Int[Array, "batch"],
) -> tuple[Float[Array, "batch states width"], Float[Array, "time batch width"]]:
    arrays = table, recurrent, start, inputs, lengths
    last, outputs, _ = module.forward(cell, plan._replace(segment=1), *arrays, outputs=every_step, tape=False)
    return last, outputs


def _there(module, cell, plan, every_step, table, recurrent, start, inputs, lengths):
    arrays = table, recurrent, start, inputs, lengths
    last, outputs, tape = module.forward(cell, plan, *arrays, outputs=every_step, tape=True)
    return (last, outputs), (table, recurrent, inputs, lengths, tape)


def _back(module, cell, plan, every_step, residuals, cotangents):
    d_start, d_table, d_recurrent = module.backward(cell, plan, *residuals, *cotangents)
    return d_table, d_recurrent, d_start, None, None


_native.defvjp(_there, _back)
