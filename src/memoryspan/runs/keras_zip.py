"""The zip of a `.keras` file, which may be anybody's: what its headers say is compared with what it holds.

Keras believes both the headers and the configuration. A few kilobytes can inflate to any size.
"""

import copy
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py

from memoryspan import machine
from memoryspan.errors import ModelError

MAX_JSON = 2**23
"""Bytes of JSON beyond which a file describes no model. In Python's objects they may take thirty times as much."""

SLACK = 2**24
"""Numbers of a model, and bytes of a file, up to which neither has to fit the other."""

BYTES_PER_NUMBER = 64
"""The most that a file holds of each number of a model: with what an optimizer keeps of it, in 64 bits."""

CHUNK = 2**20
"""Bytes that are inflated at a time."""

INSTEAD = "Open it where it was made, and save it again."


def read_json(path: Path, name: str) -> Any:
    """Return a member of JSON, of which no more is inflated than JSON may have.

    Raises:
        ValueError: it is too large, or no JSON.
        OSError, KeyError, zipfile.BadZipFile: there is no such file, or no such member in it, or it is damaged.
    """
    with zipfile.ZipFile(path) as file:
        member = file.getinfo(name)
        _require_known(path, member)
        with file.open(member) as content:
            text = content.read(MAX_JSON + 1)
    if len(text) > MAX_JSON:
        raise ValueError(f"{name} has more than {MAX_JSON:,} bytes")
    return json.loads(text)


def require_sizes(path: Path, numbers: int | None) -> None:
    """Compare the sizes in a file with a model of this many numbers, before Keras reads the file.

    None stands for a model whose size is not known.

    Raises:
        ModelError: the file holds far less than the model or far more, or a member is larger than its header says.
        InsufficientMemoryError: they do not fit into memory.
    """
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
        held = sum(member.file_size for member in members)
        if numbers is not None and not (numbers <= max(SLACK, held) and held <= SLACK + BYTES_PER_NUMBER * numbers):
            raise ModelError(
                f"{path} is damaged: it describes a model of {numbers:,} numbers, and holds {held:,} bytes. {INSTEAD}"
            )
        machine.require_memory(4 * (numbers or 0) + held, f"To open {path}")
        for member in members:
            _require_honest(path, file, member)
        declared = sum(_arrays(file, member) for member in members if member.filename.endswith(".h5"))
        if declared > SLACK + held:
            raise ModelError(
                f"{path} is damaged: its arrays would take {declared:,} bytes, and it holds {held:,}. {INSTEAD}"
            )


def _require_known(path: Path, member: zipfile.ZipInfo) -> None:
    """Raise `ModelError` where a member is compressed in a way that Python inflates all at once."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelError(
            f"{path} is compressed in a way that Keras does not use ({member.filename}): zip it again without."
        )


def _require_honest(path: Path, file: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raise `ModelError` where a member does not have the size that its header says."""
    _require_known(path, member)
    try:
        size = _size(file, member)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        size = None
    if size != member.file_size:
        raise ModelError(
            f"{path} is damaged: {member.filename} does not have the {member.file_size:,} bytes that its header says. "
            f"{INSTEAD}"
        )


def _size(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Return the bytes of a member, inflated; at most one more than its header says."""
    if member.compress_type == zipfile.ZIP_STORED:
        return member.compress_size
    longer = copy.copy(member)
    longer.file_size += 1  # where Python stops
    size = 0
    with file.open(longer) as content:
        while piece := content.read(CHUNK):
            size += len(piece)
    return size


def _arrays(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Return the bytes that the arrays of an HDF5 file take in memory: it may declare what it does not store."""
    sizes = []

    def add(name: str, thing: Any) -> None:
        sizes.append(thing.nbytes if isinstance(thing, h5py.Dataset) else 0)

    try:
        with file.open(member) as content, h5py.File(content) as store:  # pyright: ignore[reportArgumentType]
            store.visititems(add)
    except Exception:  # damaged in one of many ways, zip or HDF5: Keras reports how
        return 0
    return sum(sizes)
