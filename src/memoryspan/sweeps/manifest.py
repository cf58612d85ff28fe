"""`manifest.json`: the settings of a sweep, which decide its trials and their order.

Plain data under a version number. Reading one imports neither JAX nor Keras, and nothing that the file names.
"""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from memoryspan._version import __version__
from memoryspan.errors import RunError
from memoryspan.files import versioned
from memoryspan.files.json import from_json
from memoryspan.sweeps.kind import Kind, SweepConfig
from memoryspan.sweeps.trial import FORMAT

FILE = "manifest.json"

INSTEAD = "run the sweep again with another --dir"

ConfigT = TypeVar("ConfigT")


class Manifest(msgspec.Struct, Generic[ConfigT], frozen=True, kw_only=True):
    """All of `manifest.json`."""

    format: int = FORMAT
    memoryspan: str
    created: datetime
    """In UTC."""
    command: str
    """The command of `memoryspan` that runs such a sweep; it names the kind of its trials."""
    config: ConfigT


def new_manifest(kind: Kind, config: SweepConfig) -> Manifest:
    """Return the manifest of a sweep that begins now."""
    return Manifest(memoryspan=__version__, created=datetime.now(UTC), command=kind.command, config=config)


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write a manifest in one step; raises `OSError` where it cannot be written."""
    versioned.write(directory / FILE, manifest)


def is_sweep(directory: Path) -> bool:
    """Return whether a directory holds a sweep."""
    return (directory / FILE).is_file()


def read_manifest(directory: Path, *kinds: Kind) -> tuple[Kind, Manifest]:
    """Return the kind of the sweep in `directory`, one of those given, and its manifest.

    Raises:
        RunError: there is no sweep, it is of another kind, or its manifest is damaged or of another format.
    """
    path = directory / FILE
    try:
        found = versioned.read(path, Manifest[msgspec.Raw], FORMAT, instead=INSTEAD)
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(_missing(directory, kinds)) from None
    kind = next((kind for kind in kinds if kind.command == found.command), None)
    if kind is None:
        raise RunError(
            f"{directory} is a sweep of `memoryspan {found.command}`, written by memoryspan {found.memoryspan}: run "
            f"`memoryspan {found.command} --dir {shlex.quote(str(directory))}`, with a version that has this command."
        )
    with versioned.damage_as_run_error(path, INSTEAD):
        return kind, msgspec.structs.replace(found, config=from_json(found.config, kind.config))


def _missing(directory: Path, kinds: Sequence[Kind]) -> str:
    place = shlex.quote(str(directory))
    if (directory / "run.json").exists():
        return f"{directory} is a run, not a sweep: `memoryspan info {place}` describes it."
    commands = " or ".join(f"`memoryspan {kind.command} --dir {place}`" for kind in kinds)
    return (
        f"There is no sweep in {directory}: it has no {FILE}. Give the directory of a sweep, or start one there with "
        f"{commands}."
    )
