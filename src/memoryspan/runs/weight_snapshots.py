"""`snapshots.safetensors`: a model's weights at about a dozen moments of its training, to watch it learn.

The moments are evenly spaced over the updates so far: once there are more than `MOST`, every second one is dropped, and
from then on half as many are taken. So a training that was killed and went on ends with the same ones as one that was
not.
"""

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

MOST = 16
"""How many are kept …"""

BYTES = 4 * 2**20
"""… of a model so small that they take no more than this; of a larger one as many as do, or none."""

Snapshots = Mapping[int, tuple[np.ndarray, ...]]
"""By the number of updates, in their order: the arrays of the model's variables, first the trainable ones."""


def with_moment(kept: Snapshots, now: int, variables: PyTree[Array]) -> Snapshots:
    """The snapshots with one of the variables after `now` updates, if it is due."""
    moments = list(kept)
    if len(moments) > 1 and now - moments[-1] < moments[1] - moments[0]:
        return kept
    leaves = jax.tree.leaves(variables)
    most = min(MOST, BYTES // max(1, sum(leaf.nbytes for leaf in leaves)))
    if most < 2:
        return {}
    kept = {**kept, now: tuple(map(_plain, jax.device_get(leaves)))}
    while len(kept) > most:
        kept = dict(list(kept.items())[::2])
    return kept


def variables_at(arrays: tuple[np.ndarray, ...], like: Variables) -> Variables:
    """A snapshot's arrays in the order and grouping of a model's variables; raises `RunError` where they do not fit."""
    leaves, structure = jax.tree.flatten(like)
    if [array.shape for array in arrays] != [leaf.shape for leaf in leaves]:
        raise RunError(f"The snapshots do not fit the model: delete {FILE} to do without them.")
    return structure.unflatten(arrays)


def save(directory: Path, kept: Snapshots) -> None:
    """Puts the snapshots in place; raises `OSError` where they cannot be written."""
    if kept:
        named = {f"{moment}.{place}": array for moment, arrays in kept.items() for place, array in enumerate(arrays)}
        atomic.write(directory / FILE, bytes_of(named))


def load(directory: Path, until: int | None = None) -> Snapshots:
    """Those of a run, up to so many updates; none where none were kept; raises `RunError` where they are damaged."""
    path = directory / FILE
    try:
        named = arrays_from(path.read_bytes())
        keys = sorted(tuple(map(int, name.split("."))) for name in named)
        moments = sorted({moment for moment, _ in keys if until is None or moment <= until})
        return {moment: tuple(named[f"{moment}.{place}"] for at, place in keys if at == moment) for moment in moments}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, SafetensorError) as error:
        raise RunError(f"{path} cannot be read ({error}): delete it to do without the snapshots.") from error


def _plain(leaf) -> np.ndarray:
    """The array in a type that NumPy has: what is not is a float of fewer bits."""
    array = np.asarray(leaf, order="C")
    return array if array.dtype.isbuiltin == 1 else array.astype(np.float32)
