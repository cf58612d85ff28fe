"""`manifest.json`: what was asked of a sweep, and so the list of its cells, in order.

Plain data under a version number. Reading one imports neither JAX nor Keras, and nothing that the file names.
"""

import shlex
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import msgspec

from memoryspan import user_code
from memoryspan._version import __version__
from memoryspan.errors import RunError
from memoryspan.files import atomic
from memoryspan.reproduce.trial import Trials
from memoryspan.spans.cell import Cell, Training
from memoryspan.spec import Spec
from memoryspan.training.budget import Budget

FILE = "manifest.json"

FORMAT = 2
"""The version of this format. A change that older readers would misread adds one. 2: it says what kind of question."""


class Question(msgspec.Struct, frozen=True, kw_only=True, tag="span"):
    """How far back does each model remember on each task, seed by seed?"""

    command: ClassVar[str] = "span"
    """Of `memoryspan`, that asks so."""
    tasks: tuple[Spec, ...]
    """As `Cell` has them; a stranger's with the hash of its file."""
    models: tuple[Spec, ...]
    """The same."""
    seeds: tuple[int, ...]
    budget: Budget
    batch_size: int
    max_length: int

    @property
    def cells(self) -> list[Cell]:
        """By task, then by model, then by seed; what is asked twice is answered once."""
        every = [
            Cell(
                task=task,
                model=model,
                seed=seed,
                budget=self.budget,
                batch_size=self.batch_size,
                max_length=self.max_length,
            )
            for task in self.tasks
            for model in self.models
            for seed in self.seeds
        ]
        return list({cell.key: cell for cell in every}.values())


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All of `manifest.json`."""

    format: int = FORMAT
    memoryspan: str
    created: datetime
    """In UTC."""
    asked: Question | Trials


class Version(msgspec.Struct):
    """The part that every version of a file of a sweep has."""

    format: int
    memoryspan: str


def write(directory: Path, asked: Question | Trials) -> Manifest:
    """Puts the manifest of a new sweep in place; raises `OSError` where it cannot be written."""
    return _put(directory, Manifest(memoryspan=__version__, created=datetime.now(UTC), asked=asked))


def _put(directory: Path, manifest: Manifest) -> Manifest:
    atomic.write(directory / FILE, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return manifest


def read(directory: Path) -> Manifest:
    """The manifest of the sweep in `directory`.

    Raises:
        RunError: there is no sweep, or its manifest is damaged or of a newer format.
    """
    file = directory / FILE
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if (directory / "run.json").exists():
            raise RunError(
                f"{directory} is a run, and not a sweep: `memoryspan span {shlex.quote(str(directory))}` measures how "
                f"far it holds."
            ) from None
        raise RunError(
            f"There is no sweep at {directory}, for there is no {file}: give the directory of one, or begin it there "
            f"with `memoryspan span` and models and tasks, or with `memoryspan reproduce` and experiments."
        ) from None
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}. Ask its owner for leave to read it.") from error
    try:
        require_readable(content, file, FORMAT)
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise RunError(
            f"{file} is damaged ({error}): put back a copy of it, or ask again with another --run."
        ) from error


def require_readable(content: bytes, file: Path, newest: int) -> None:
    """Raises `RunError` where a file is of a newer format, and `msgspec.DecodeError` where it says no format at all."""
    version = msgspec.json.decode(content, type=Version)
    if version.format < newest:
        raise RunError(
            f"{file} has format {version.format}, written by memoryspan {version.memoryspan}, and this one reads "
            f"{newest}: ask again with another --run, or install that version."
        )
    if version.format > newest:
        raise RunError(
            f"{file} has format {version.format}, written by memoryspan {version.memoryspan}, and this one reads up "
            f"to {newest}: install that version, or a newer one."
        )


def asked_again(directory: Path, manifest: Manifest, now: Question | Trials, answered: Collection[str]) -> Manifest:
    """The manifest of a sweep that is asked again: as it is for the same cells, and in its place for others.

    Those may be more of them, or fewer, but for the keys in `answered`, which have to be among them.

    Raises:
        RunError: they are not; it says what has changed.
        OSError: it cannot be written.
    """
    before, after = ({cell.key for cell in asked.cells} for asked in (manifest.asked, now))
    if type(manifest.asked) is not type(now) or not after.issuperset(answered):
        raise RunError(
            f"{directory} is the sweep of another question ({_changes(manifest.asked, now)}): ask the same again, with "
            f"more in it if you like, or nothing, which goes on with it "
            f"(`memoryspan {manifest.asked.command} --run {shlex.quote(str(directory))}`), or give another --run."
        )
    if before == after:
        return manifest
    return _put(directory, msgspec.structs.replace(manifest, memoryspan=__version__, asked=now))


def _changes(before: Question | Trials, now: Question | Trials) -> str:
    """What keeps cells of before from being asked now; what is asked beside them does not."""
    if isinstance(before, Question) and isinstance(now, Question):
        pairs = ((name, getattr(before, name), getattr(now, name)) for name in Question.__struct_fields__)
        return "; ".join(filter(None, (_change(*pair) for pair in pairs)))
    if not isinstance(before, Trials) or not isinstance(now, Trials):
        return f"of `memoryspan {before.command}`"
    names = dict.fromkeys(cell.experiment for cell in before.cells)
    gone = set(names) - {cell.experiment for cell in now.cells}
    return f"without {' '.join(name for name in names if name in gone)}" if gone else "fewer seeds, or other recipes"


def strangers_of(cells: Sequence[Training]) -> list[str]:
    """The options that name the strangers' files that these cells need: `--model mine.py:build`."""
    pairs = [(kind, named.name) for cell in cells for kind, named in (("task", cell.task), ("model", cell.model))]
    return list(
        dict.fromkeys(f"--{kind} {shlex.quote(name)}" for kind, name in pairs if user_code.is_import_path(name))
    )


def _change(name: str, before, now) -> str:
    """Of a field; empty where nothing of before is missing."""
    if not isinstance(before, tuple):
        return "" if before == now else f"{name} {_words(before)} → {_words(now)}"
    kept = {_plain(each) for each in now}
    gone = [each for each in before if _plain(each) not in kept]
    if changed := [str(each) for each in gone if isinstance(each, Spec) and each.sha256 and _is_named(each, now)]:
        return f"{name} of another file: {', '.join(changed)} has changed since"
    return f"without {name} {_words(tuple(gone))}" if gone else ""


def _plain(value) -> bytes:
    """As it comes back from a file, where tuples and lists are one."""
    return msgspec.json.encode(value, order="deterministic")


def _is_named(stranger: Spec, named: Sequence[Spec]) -> bool:
    return any((each.name, each.settings) == (stranger.name, stranger.settings) for each in named)


def _words(value) -> str:
    if isinstance(value, Budget):
        limits = [(name, getattr(value, name)) for name in ("examples", "tokens", "seconds")]
        return " and ".join(f"{limit:,} {name}" for name, limit in limits if limit is not None) or "none"
    return " ".join(map(str, value)) if isinstance(value, tuple) else f"{value:,}"
