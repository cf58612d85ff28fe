"""Checkpoints of groups of trials, from which a group that was interrupted resumes.

    checkpoints/<key>.checkpoint    the state of a group, as its kind has encoded it, behind a line of JSON
    checkpoints/<key>.json          the results of a group, until each trial has its file: all of them count, or none

Only the process that holds the sweep's lock writes them. A checkpoint is used for the same trials, and by the same
versions on the same kind of device, so that the results have the bits of a group that was never interrupted.
"""

import hashlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from memoryspan._version import __version__
from memoryspan.environment import PACKAGES, Environment
from memoryspan.errors import RunError
from memoryspan.files import atomic, versioned
from memoryspan.sweeps.versions import difference, versions

FOLDER = "checkpoints"

FORMAT = 1
"""The version of the line of JSON. A change that older readers would misread adds one."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The line of JSON: whose state follows, and where it was made."""

    format: int = FORMAT
    memoryspan: str
    trials: tuple[str, ...]
    """The keys of the trials, in order."""
    environment: Environment
    position: str
    """Their progress, in a few words."""
    sha256: str
    """The hash of the state."""


def encode(trials: Sequence[str], environment: Environment, position: str, state: bytes) -> bytes:
    """Return the content of a checkpoint's file."""
    header = Header(
        memoryspan=__version__,
        trials=tuple(trials),
        environment=environment,
        position=position,
        sha256=hashlib.sha256(state).hexdigest(),
    )
    return msgspec.json.encode(header) + b"\n" + state


def decode(content: bytes, path: Path) -> tuple[Header, bytes]:
    """Return the header and the state of a checkpoint's file.

    Raises:
        RunError: it has another format.
        ValueError: it is damaged.
    """
    line, _, state = content.partition(b"\n")
    header = versioned.decode(line, path, Header, FORMAT, instead="let its trials start anew")
    if hashlib.sha256(state).hexdigest() != header.sha256:
        raise ValueError("its checksum is not the one that was written")
    return header, state


def key_of(trials: Sequence[str]) -> str:
    """Return the name of a group's files, from the keys of its trials."""
    return hashlib.sha256(" ".join(trials).encode()).hexdigest()[:16]


def write(directory: Path, trials: Sequence[str], content: bytes) -> Path:
    """Write the checkpoint of a group; raises `OSError` where that fails."""
    path = _folder(directory) / f"{key_of(trials)}.checkpoint"
    atomic.write(path, content)
    return path


def write_journal(directory: Path, trials: Sequence[str], results: bytes) -> Path:
    """Write the results of a group in one step; raises `OSError` where that fails."""
    path = _folder(directory) / f"{key_of(trials)}.json"
    atomic.write(path, results)
    return path


def journals(directory: Path) -> list[Path]:
    """Return the files of results of groups whose trials may lack theirs."""
    return sorted((directory / FOLDER).glob("*.json"))


def read(
    directory: Path, pending: Collection[str], complete: Collection[str]
) -> tuple[dict[tuple[str, ...], Path], tuple[str, ...]]:
    """Return the checkpoints that can be used, by the trials of their groups, and a sentence on each of the others.

    A checkpoint of a group with a completed trial is obsolete, and removed.
    """
    found, notices = {}, []
    for path in sorted((directory / FOLDER).glob("*.checkpoint")):
        try:
            header, _ = decode(path.read_bytes(), path)
        except RunError as error:
            notices.append(str(error))
            continue
        except (OSError, ValueError) as error:
            notices.append(f"The checkpoint {path} is damaged ({error}): its trials start anew.")
            continue
        theirs = {"memoryspan": header.memoryspan}
        theirs |= {name: header.environment.packages.get(name, "missing") for name in PACKAGES}
        if not set(header.trials).isdisjoint(complete):
            path.unlink()
        elif not set(header.trials) <= set(pending):
            notices.append(f"The checkpoint {path} is of trials with other settings: it is not used.")
        elif other := difference(versions(), theirs):
            notices.append(f"The checkpoint {path} was written by {other}: its trials start anew.")
        else:
            found[header.trials] = path
    return found, tuple(notices)


def remove(paths: Sequence[Path]) -> None:
    """Remove files, and their directory with the last of them."""
    for path in paths:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in paths}:
        with suppress(OSError):  # others are there
            folder.rmdir()


def _folder(directory: Path) -> Path:
    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    return folder
