"""The recurrence of memoryspan in C++: XLA custom calls for whole walks of an LSTM or a GRU over a ragged batch.

`forward` and `backward` are what JAX calls; their arrays are padded, see `kernel/walk.hpp`.
"""

import ctypes
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

__version__ = "0.1.0"

ALIGNMENT = 16
"""Of which the padded number of units is a multiple."""


class Cell(IntEnum):
    """The cells that there are."""

    LSTM = 0
    GRU = 1

    @property
    def states(self) -> int:
        """Vectors over units that a row carries from step to step; the first is its answer."""
        return (2, 1)[self]


class Plan(NamedTuple):
    """How a walk is done, not what comes of it."""

    parts: int
    """The rows of a batch are walked in as many parts, on as many threads as there are."""
    segment: int
    """Steps that are kept together for the way back: all of them, or fewer, which are then walked a second time."""
    own_rows: bool = False
    """Whether no two inputs share a row of the table."""
    path: str = ""
    """One of `paths()`; the fastest where none is named."""


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(next(Path(__file__).parent.glob("kernel.*"))))
    library.memoryspan_tape_size.restype = ctypes.c_int64
    library.memoryspan_tape_size.argtypes = [ctypes.c_int64] * 4
    library.memoryspan_path.restype = ctypes.c_char_p
    library.memoryspan_path.argtypes = [ctypes.c_int64]
    floats = np.ctypeslib.ndpointer(np.float32, flags="C")
    library.memoryspan_activation.argtypes = [ctypes.c_char_p, ctypes.c_int64, floats, ctypes.c_int64]
    for name in ("memoryspan_forward", "memoryspan_backward"):
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(library, name)), platform="cpu")
    return library


_LIBRARY = _library()


def paths() -> list[str]:
    """The kinds of code that this processor can run, the fastest first."""
    names = iter(_LIBRARY.memoryspan_path(i) for i in range(8))
    return [name.decode() for name in names if name is not None]


def tape_size(cell: Cell, time: int, width: int, segment: int) -> int:
    """The length of a tape, in floats, for each row of a batch."""
    return _LIBRARY.memoryspan_tape_size(cell, time, width, segment)


def activation(name: str, x: np.ndarray, path: str = "") -> np.ndarray:
    """`sigmoid` or `tanh` of a flat array of 32-bit floats, as the walk computes it."""
    padded = np.zeros(-(-x.size // ALIGNMENT) * ALIGNMENT, np.float32)
    padded[: x.size] = x
    if _LIBRARY.memoryspan_activation(path.encode(), ("sigmoid", "tanh").index(name), padded, padded.size):
        raise ValueError(f"This processor has no path {path!r}; it has {', '.join(paths())}.")
    return padded[: x.size]


def forward(cell: Cell, plan: Plan, table, recurrent, start, inputs, lengths, *, outputs: bool, tape: bool):
    """The states after each row's last step, the outputs of every step, and the tape; empty where not asked for.

    Shapes: table (rows, 4, width), recurrent (units, gates, width), start (batch, states, width), inputs (time, batch),
    lengths (batch,).
    """
    (time, batch), width = inputs.shape, recurrent.shape[-1]
    on_tape = batch * tape_size(cell, time, width, plan.segment) if tape else 0
    shapes = (start.shape, (time if outputs else 0, batch, width), (on_tape,))
    call = jax.ffi.ffi_call("memoryspan_forward", [_reals(shape) for shape in shapes], vmap_method="broadcast_all")
    settings = {"cell": np.int64(cell), "parts": np.int64(plan.parts), "segment": np.int64(plan.segment)}
    return call(table, recurrent, start, inputs, lengths, **settings, path=plan.path)


def backward(cell: Cell, plan: Plan, table, recurrent, inputs, lengths, tape, d_last, d_outputs):
    """The gradients of start, table and recurrent, from those of the last states and, unless empty, the outputs."""
    shapes = (d_last.shape, table.shape, recurrent.shape, tape.shape)
    call = jax.ffi.ffi_call(
        "memoryspan_backward",
        [_reals(shape) for shape in shapes],
        vmap_method="broadcast_all",
        input_output_aliases={4: 3},  # the tape is written over
    )
    settings = {"cell": np.int64(cell), "parts": np.int64(plan.parts), "segment": np.int64(plan.segment)}
    *gradients, _ = call(
        table, recurrent, inputs, lengths, tape, d_last, d_outputs, **settings, own_rows=plan.own_rows,
        path=plan.path,
    )  # fmt: skip
    return gradients


def _reals(shape) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)
