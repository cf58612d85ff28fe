"""Snapshots of a training on the disk: safetensors for the arrays, JSON for the rest.

A checkpoint is there once its JSON is, which is written last and holds a checksum of everything. The two newest are
kept, so that there is one to go back to where a disk has damaged the other.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
from jaxtyping import Array, PyTree
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from
from safetensors.numpy import save as bytes_of

from memoryspan.accuracy import Accuracy
from memoryspan.errors import RunError
from memoryspan.files import atomic
from memoryspan.files.json import from_json, to_builtins
from memoryspan.runs.history_file import row_from
from memoryspan.training import Status, TrainSnapshot
from memoryspan.training.state import TrainState

StateT = TypeVar("StateT", bound=PyTree[Array])

FOLDER = "checkpoints"

KEPT = 2
"""The number of checkpoints that are kept."""


_NAME = re.compile(r"[0-9]{12,}\.json")


class Rest(msgspec.Struct, frozen=True):
    """What a checkpoint holds beside its arrays."""

    row: dict[str, Any]
    status: Status | None
    accuracy: Accuracy | None
    sha256: str
    """Of the arrays' file, followed by the JSON of the fields above."""


def save(directory: Path, snapshot: TrainSnapshot) -> None:
    """Save a snapshot, and keep the one before it.

    Raises:
        OSError: it could not be written; the checkpoints that were there are untouched.
    """
    folder = directory / FOLDER
    if not folder.exists():
        folder.mkdir()
        atomic.sync(directory)
    arrays = bytes_of(named_arrays(snapshot.state))
    fields = to_builtins(snapshot.row), snapshot.status, snapshot.accuracy
    path = folder / f"{snapshot.row.updates:012d}.json"
    with atomic.atomic_path(path) as rest:  # which takes its place after the arrays
        rest.write_bytes(msgspec.json.encode(Rest(*fields, _checksum(arrays, *fields))))
        atomic.write(path.with_suffix(".safetensors"), arrays)
    _remove(_newest_first(folder)[KEPT:])


def load(directory: Path, like: TrainState) -> tuple[TrainSnapshot, list[str]]:
    """Return the newest good snapshot, and a sentence about each newer one that is damaged.

    `like` is a state of the same model, which the arrays have to fit.

    Raises:
        RunError: there is no good one, or one cannot be read.
    """
    notices = []
    for path in _newest_first(directory / FOLDER):
        try:
            return _read(path, like), notices
        except (FileNotFoundError, ValueError, KeyError, SafetensorError) as error:  # KeyError: a type unknown to NumPy
            notices.append(f"The checkpoint {path} is damaged ({error}) and was passed over for the one before it.")
        except OSError as error:  # it may be good
            raise RunError(f"The checkpoint {path} cannot be read: {error.strerror}.") from error
    raise RunError(
        " ".join([f"No checkpoint in {directory / FOLDER} is good: train again with another --run.", *notices])
    )


def forget_after(directory: Path, updates: int) -> None:
    """Remove the checkpoints of later updates, which `load` has passed over, and what was left half written.

    Other files stay, whatever their names.
    """
    folder = directory / FOLDER
    _remove([path for path in _newest_first(folder) if int(path.stem) > updates])
    atomic.clean(folder)


def _newest_first(folder: Path) -> list[Path]:
    """Return the JSON of each checkpoint: a file whose name `save` would have given it."""
    return sorted((path for path in folder.glob("*.json") if _NAME.fullmatch(path.name)), reverse=True)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)  # the JSON first: arrays alone are no checkpoint
        path.with_suffix(".safetensors").unlink(missing_ok=True)


def _read(path: Path, like: TrainState) -> TrainSnapshot:
    arrays = path.with_suffix(".safetensors").read_bytes()
    rest = from_json(path.read_bytes(), Rest)
    if _checksum(arrays, rest.row, rest.status, rest.accuracy) != rest.sha256:
        raise ValueError("its checksum is not the one that was written")
    return TrainSnapshot(from_named(arrays_from(arrays), like), row_from(rest.row), rest.status, rest.accuracy)


def _checksum(arrays: bytes, *fields) -> str:
    digest = hashlib.sha256(arrays)
    digest.update(msgspec.json.encode(fields))
    return digest.hexdigest()


def named_arrays(states: PyTree[Array]) -> dict[str, np.ndarray]:
    """Return the arrays of one or several states under the names of their places: `variables.trainable.0`."""
    leaves = jax.tree_util.tree_leaves_with_path(jax.device_get(states))
    return {_name(place): _storable(leaf) for place, leaf in leaves}


def _name(place) -> str:
    return jax.tree_util.keystr(place, simple=True, separator=".")


def _storable(leaf) -> np.ndarray:
    """Return the array in a type that NumPy has; the bits of bfloat16 and its like as whole numbers."""
    array = np.asarray(leaf, order="C")
    return array if array.dtype.isbuiltin == 1 else array.view(f"u{array.dtype.itemsize}")


def from_named(arrays: dict[str, np.ndarray], like: StateT) -> StateT:
    """Return what `named_arrays` took apart; raises `ValueError` where it has not the shapes of `like`."""

    def fitting(place, leaf):
        found = arrays.get(_name(place))
        if found is None or found.shape != leaf.shape or found.dtype.itemsize != leaf.dtype.itemsize:
            raise ValueError(f"its {_name(place)} does not fit the model")
        return jnp.asarray(found.view(leaf.dtype))

    return jax.tree_util.tree_map_with_path(fitting, like)
