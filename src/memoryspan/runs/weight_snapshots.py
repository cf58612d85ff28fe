"""`snapshots.safetensors`: a model's weights at about a dozen moments of its training, to watch it learn.

The moments are evenly spaced over the updates so far: once there are more than `MAX_SNAPSHOTS`, every second one is
dropped, and from then on half as many are taken. So a training that was killed and resumed ends with the same ones as
one that was not.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array, PyTree
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from
from safetensors.numpy import save as bytes_of

from memoryspan.engine import Variables
from memoryspan.errors import RunError
from memoryspan.files import atomic

FILE = "snapshots.safetensors"

MAX_SNAPSHOTS = 16
"""The maximum number of snapshots of a training."""

MAX_BYTES = 4 * 2**20
"""The maximum size of all snapshots together: a larger model has fewer of them, or none."""

CHECKSUM = "sha256"
"""The name of the array that holds a checksum of all the others."""

Snapshots = Mapping[int, tuple[np.ndarray, ...]]
"""By the number of updates, in their order: the arrays of the model's variables, first the trainable ones."""


def with_moment(kept: Snapshots, now: int, variables: PyTree[Array]) -> Snapshots:
    """Return the snapshots, with one of the variables after `now` updates if it is due."""
    moments = list(kept)
    if len(moments) > 1 and now - moments[-1] < moments[1] - moments[0]:
        return kept
    leaves = jax.tree.leaves(variables)
    most = min(MAX_SNAPSHOTS, MAX_BYTES // max(1, sum(leaf.nbytes for leaf in leaves)))
    if most < 2:
        return {}
    kept = {**kept, now: tuple(map(_storable, jax.device_get(leaves)))}
    while len(kept) > most:
        kept = dict(list(kept.items())[::2])
    return kept


def variables_at(arrays: tuple[np.ndarray, ...], like: Variables) -> Variables:
    """Return a snapshot's arrays grouped as a model's variables; raises `RunError` where they do not fit."""
    leaves, structure = jax.tree.flatten(like)
    if [array.shape for array in arrays] != [leaf.shape for leaf in leaves]:
        raise RunError(f"The snapshots do not fit the model: delete {FILE} to do without them.")
    return structure.unflatten(arrays)


def save(directory: Path, kept: Snapshots) -> None:
    """Save the snapshots; raises `OSError` where they cannot be written."""
    if kept:
        named = {f"{moment}.{place}": array for moment, arrays in kept.items() for place, array in enumerate(arrays)}
        atomic.write(directory / FILE, bytes_of({**named, CHECKSUM: _checksum(named)}))


def load(directory: Path, until: int | None = None) -> Snapshots:
    """Return the snapshots of a run, up to `until` updates; none where none were saved.

    Raises:
        RunError: the file cannot be read, is damaged, or has no checksum.
    """
    path = directory / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        kept = _decode(content)
    except (ValueError, KeyError, SafetensorError) as error:  # a KeyError is a type that NumPy does not have
        raise RunError(f"{path} is damaged ({error}): delete it to do without the snapshots.") from error
    return {moment: arrays for moment, arrays in kept.items() if until is None or moment <= until}


def _decode(content: bytes) -> Snapshots:
    """Return the snapshots of a file's content; raises `ValueError`, `KeyError` or `SafetensorError` for damage."""
    named = arrays_from(content)
    if CHECKSUM not in named:
        raise ValueError("it has no checksum, as in older versions of memoryspan")
    if named.pop(CHECKSUM).tobytes() != _checksum(named).tobytes():
        raise ValueError("its checksum is not the one that was written")
    kept: dict[int, list[np.ndarray]] = {}
    for moment, place in sorted(tuple(map(int, name.split("."))) for name in named):
        kept.setdefault(moment, []).append(named[f"{moment}.{place}"])
    return {moment: tuple(arrays) for moment, arrays in kept.items()}


def _checksum(named: Mapping[str, np.ndarray]) -> np.ndarray:
    digest = hashlib.sha256()
    for name, array in sorted(named.items()):
        digest.update(f"{name} {array.dtype} {array.shape} ".encode())
        digest.update(array.tobytes())
    return np.frombuffer(digest.digest(), np.uint8)


def _storable(leaf) -> np.ndarray:
    """Return the array in a type that NumPy has: the others are floats of fewer bits."""
    array = np.asarray(leaf, order="C")
    return array if array.dtype.isbuiltin == 1 else array.astype(np.float32)
