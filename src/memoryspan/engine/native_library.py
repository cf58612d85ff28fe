"""The shared library of the recurrence in C++, and its functions as JAX sees them.

`forward` and `backward` run an LSTM or a GRU over a whole ragged batch as XLA custom calls. Their arrays are padded;
see `native/kernel/types.hpp`.
"""

import ctypes
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

PATH = Path(__file__).parents[1] / "_native" / "kernel.so"
"""The library, which the build puts there on every platform."""

ALIGNMENT = 16
"""The padded number of units is a multiple of this."""


class Cell(IntEnum):
    """The cells that the library implements."""

    LSTM = 0
    GRU = 1

    @property
    def states(self) -> int:
        """The number of vectors over units that a row carries from step to step. The first one is its output."""
        return (2, 1)[self]


class Plan(NamedTuple):
    """How a call is executed, which does not change its result beyond the order of sums."""

    parts: int
    """The number of parts that the rows of a batch are divided into. Each runs on one thread."""
    segment: int
    """The number of steps that the tape keeps together. If it is not all of them, the backward pass recomputes each
    segment."""
    unique_rows: bool = False
    """Whether no two inputs share a row of the table."""
    target: str = ""
    """One of `targets()`. Default: the fastest."""


class LibraryError(Exception):
    """The library is missing or cannot be used. The message says why."""


def why_unavailable() -> str | None:
    """Return the reason why the library cannot be used, or None if it can."""
    loaded = _load()
    return str(loaded) if isinstance(loaded, LibraryError) else None


def targets() -> list[str]:
    """Return the kinds of code that this processor supports, the fastest first."""
    names = iter(_library().memoryspan_target(i) for i in range(8))
    return [name.decode() for name in names if name is not None]


def tape_size(cell: Cell, time: int, width: int, segment: int) -> int:
    """Return the size of a tape, in floats, for each row of a batch."""
    return _library().memoryspan_tape_size(cell, time, width, segment)


def activation(name: str, x: np.ndarray, target: str = "") -> np.ndarray:
    """Return `sigmoid` or `tanh` of a flat array of 32-bit floats, as the recurrence computes it."""
    padded = np.zeros(-(-x.size // ALIGNMENT) * ALIGNMENT, np.float32)
    padded[: x.size] = x
    function = ("sigmoid", "tanh").index(name)
    if _library().memoryspan_activation(target.encode(), function, padded, padded.size):
        raise ValueError(f"This processor does not support the target {target!r}, only {', '.join(targets())}.")
    return padded[: x.size]


def forward(cell: Cell, plan: Plan, table, recurrent, start, inputs, lengths, *, outputs: bool, tape: bool):
    """Return the states after each row's last step, the outputs of every step, and the tape.

    The outputs and the tape are empty unless they are requested.

    Shapes: table (rows, 4, width), recurrent (units, gates, width), start (batch, states, width), inputs (time, batch),
    lengths (batch,).
    """
    _library()
    (time, batch), width = inputs.shape, recurrent.shape[-1]
    on_tape = batch * tape_size(cell, time, width, plan.segment) if tape else 0
    shapes = (start.shape, (time if outputs else 0, batch, width), (on_tape,))
    call = jax.ffi.ffi_call("memoryspan_forward", [_floats(shape) for shape in shapes], vmap_method="broadcast_all")
    settings = {"cell": np.int64(cell), "parts": np.int64(plan.parts), "segment": np.int64(plan.segment)}
    return call(table, recurrent, start, inputs, lengths, **settings, target=plan.target)


def backward(cell: Cell, plan: Plan, table, recurrent, inputs, lengths, tape, d_last, d_outputs):
    """Return the gradients of start, table and recurrent, from those of the last states and the outputs.

    The gradient of the outputs may be empty.
    """
    shapes = (d_last.shape, table.shape, recurrent.shape, tape.shape)
    call = jax.ffi.ffi_call(
        "memoryspan_backward",
        [_floats(shape) for shape in shapes],
        vmap_method="broadcast_all",
        input_output_aliases={4: 3},  # the tape is overwritten
    )
    settings = {"cell": np.int64(cell), "parts": np.int64(plan.parts), "segment": np.int64(plan.segment)}
    *gradients, _ = call(
        table, recurrent, inputs, lengths, tape, d_last, d_outputs, **settings, unique_rows=plan.unique_rows,
        target=plan.target,
    )  # fmt: skip
    return gradients


def _library() -> ctypes.CDLL:
    loaded = _load()
    if isinstance(loaded, LibraryError):
        raise loaded
    return loaded


@cache
def _load() -> ctypes.CDLL | LibraryError:
    if not PATH.exists():
        return LibraryError(
            "it was not built when memoryspan was installed. To see why, install memoryspan again from its source with "
            "MEMORYSPAN_BUILD_NATIVE=1, which makes a failed build an error."
        )
    try:
        library = ctypes.CDLL(str(PATH))
        library.memoryspan_tape_size.restype = ctypes.c_int64
        library.memoryspan_tape_size.argtypes = [ctypes.c_int64] * 4
        library.memoryspan_target.restype = ctypes.c_char_p
        library.memoryspan_target.argtypes = [ctypes.c_int64]
        array = np.ctypeslib.ndpointer(np.float32, flags="C")
        library.memoryspan_activation.argtypes = [ctypes.c_char_p, ctypes.c_int64, array, ctypes.c_int64]
        _register(library)
    except (OSError, AttributeError) as error:  # of another platform, or of another version
        return LibraryError(f"its library cannot be loaded: {error}")
    except jax.errors.JaxRuntimeError as error:  # built for a newer jaxlib than this one
        return LibraryError(f"its library does not fit this version of jaxlib: {error}")
    return library


def _register(library: ctypes.CDLL) -> None:
    # JAX registers functions when it starts the backend. If it has not started, a function that JAX refuses would be
    # reported later, as a backend that cannot start.
    jax.devices("cpu")
    for name in ("memoryspan_forward", "memoryspan_backward"):
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(library, name)), platform="cpu")


def _floats(shape) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)
