"""The work of a sweep: which cells go together, and what a worker does with them.

What goes to a worker and what comes back is JSON, so that a worker elsewhere needs the package and nothing else. JAX
and Keras are imported by the worker alone, when the first cells arrive.
"""

import hashlib
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import msgspec

from memoryspan import user_code
from memoryspan._version import __version__
from memoryspan.environment import PACKAGES, Environment, commit, environment
from memoryspan.errors import RunError, UserCodeError
from memoryspan.reproduce.trial import Outcome, Trial
from memoryspan.spans.cell import Cell, Found
from memoryspan.spec import Spec
from memoryspan.sweeps.result import Answer, AnyCell, Failure

ALONE = {"JAX_NUM_CPU_DEVICES": "1", "PJRT_NPROC": "1"}
"""Environment of a worker: one device and one thread, for a sum that is split differs in its last bits."""

Report = Callable[[str], None]


class Work(msgspec.Struct, frozen=True):
    """A group of cells on its way to a worker."""

    cells: tuple[AnyCell, ...]
    """They differ in nothing but their seed."""
    versions: dict[str, str]
    """Of the packages here: a worker with others refuses."""
    files: dict[str, bytes] = {}
    """The content of strangers' files, by the path that names them, for workers that may not have them."""


def versions() -> dict[str, str]:
    """Of memoryspan, and of the packages that decide the bits of a result; imports none of them."""
    return {"memoryspan": __version__} | {name: version(name) for name in PACKAGES}


def groups(cells: Sequence[AnyCell], workers: int) -> list[tuple[AnyCell, ...]]:
    """Cells that differ in their seed alone, together: they train in one program.

    Whole where there is a group for each worker; else the largest are split into about equal parts until there is, or
    every cell is alone. The same cells and workers make the same groups.
    """
    alike: dict[str, list[AnyCell]] = {}
    for cell in cells:
        alike.setdefault(msgspec.structs.replace(cell, seed=0).key, []).append(cell)
    wholes = list(alike.values())
    parts = [1] * len(wholes)
    for _ in range(min(workers, len(cells)) - len(wholes)):
        largest = max(range(len(wholes)), key=lambda number: len(wholes[number]) / parts[number])
        parts[largest] += 1
    return [part for whole, count in zip(wholes, parts, strict=True) for part in _split(whole, count)]


def pack(cells: Sequence[AnyCell], send_files: bool) -> bytes:
    """Cells for `run_group`, with the strangers' files that they need where a worker may not have them.

    Raises:
        StrangerError: such a file cannot be read, or is not what it was when the question was asked.
    """
    files = _files(cells) if send_files else {}
    return msgspec.json.encode(Work(tuple(cells), versions(), files))


def unpack(answers: bytes) -> list[Answer]:
    """What `run_group` has returned."""
    return msgspec.json.decode(answers, type=list[Answer])


def run_group(work: bytes, report: Report = lambda sentence: None) -> bytes:
    """In a worker: answers what `pack` has made.

    Raises:
        RunError: the worker has other versions of what decides the results.
    """
    with _ONE_AT_A_TIME:
        group = msgspec.json.decode(work, type=Work)
        if other := difference(group.versions, versions()):
            raise RunError(f"A worker has {other}: install the same versions there as here.")
        if "jax" not in sys.modules:
            for name, value in ALONE.items():
                os.environ.setdefault(name, value)
        return msgspec.json.encode(_answers(group.cells, group.files, report))


def difference(ours: dict[str, str], theirs: dict[str, str]) -> str | None:
    """Which packages a worker has in other versions; None if in none."""
    other = [name for name, there in theirs.items() if there != ours[name]]
    return ", ".join(f"{name} {theirs[name]} (here {ours[name]})" for name in other) or None


def failed(cells: Sequence[AnyCell], sentence: str) -> list[Answer]:
    """Answers to cells whose worker was lost, again and again."""
    packages = {name: version(name) for name in PACKAGES}
    where = Environment("a worker that was lost", packages, commit(Path.cwd()))
    failure = Failure(sentence, "")
    return [Answer(memoryspan=__version__, cell=cell, failure=failure, environment=where) for cell in cells]


_ONE_AT_A_TIME = threading.Lock()
"""A worker may have several threads, and Keras has one generator of random numbers."""


def _split(cells: list[AnyCell], count: int) -> list[tuple[AnyCell, ...]]:
    ends = [len(cells) * number // count for number in range(count + 1)]
    return [tuple(cells[start:end]) for start, end in pairwise(ends)]


def _answers(cells: Sequence[AnyCell], files: dict[str, bytes], report: Report) -> list[Answer]:
    """An answer to each cell; where they fail together, each is tried alone."""
    try:
        found = _measure(cells, files, report)
    except Exception as error:
        if len(cells) > 1:
            return [answer for cell in cells for answer in _answers([cell], files, report)]
        failure = Failure(_sentence(error), "".join(traceback.format_exception(error)))
        return [Answer(memoryspan=__version__, cell=cells[0], failure=failure, environment=environment())]
    pairs = zip(cells, found, strict=True)
    where = environment()
    return [Answer(memoryspan=__version__, cell=cell, found=each, environment=where) for cell, each in pairs]


def _measure(cells: Sequence[AnyCell], files: dict[str, bytes], report: Report) -> Sequence[Found | Outcome]:
    placed = [
        msgspec.structs.replace(cell, task=_placed(cell.task, files), model=_placed(cell.model, files))
        for cell in cells
    ]
    if trials := [cell for cell in placed if isinstance(cell, Trial)]:
        from memoryspan.reproduce.attempt import attempt

        return attempt(trials, report)
    from memoryspan.spans.measure import measure

    return measure([cell for cell in placed if isinstance(cell, Cell)], report)


def _placed(named: Spec, files: dict[str, bytes]) -> Spec:
    """The same thing by a name that means it in this process."""
    if not user_code.is_import_path(named.name):
        return named
    place, _, attribute = named.name.rpartition(":")
    if place in files and not _is_here(place, named.sha256):
        _require_arrived(place, files[place], named.sha256)
        return Spec(f"{_arrived(place, files[place])}:{attribute}", named.settings, named.sha256)
    _require_unchanged(named.name, named.sha256)
    return named


@cache  # once imported, a file may change
def _require_unchanged(name: str, sha256: str | None) -> None:
    if sha256 is not None and _hash_of(name) not in (None, sha256):
        raise _changed(name)


def _changed(name: str) -> UserCodeError:
    return UserCodeError(
        f"{name} is not the file that it was when the question was asked: put that one back, or ask again with "
        f"another --run."
    )


@cache
def _is_here(place: str, sha256: str | None) -> bool:
    path = Path(place)
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _require_arrived(place: str, content: bytes, sha256: str | None) -> None:
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise UserCodeError(
            f"What was sent to this worker as {place} is not the file that the question was asked of: ask again with "
            f"--retry-failed."
        )


@cache
def _arrived(place: str, content: bytes) -> str:
    """Where a file that was sent along lies now, until the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="memoryspan-")
    _FOLDERS.append(folder)
    path = Path(folder.name) / Path(place).name
    path.write_bytes(content)
    return str(path)


_FOLDERS: list[tempfile.TemporaryDirectory] = []
"""Each is removed when nothing refers to it any more."""


def _files(cells: Sequence[AnyCell]) -> dict[str, bytes]:
    """The content of the strangers' files that cells need, by path."""
    every = [named for cell in cells for named in (cell.task, cell.model) if user_code.is_import_path(named.name)]
    files = {}
    for named in every:
        place = named.name.rpartition(":")[0]
        if place.endswith(".py"):
            files[place] = _content(named.name, named.sha256)
        else:
            _require_unchanged(named.name, named.sha256)
    return files


@cache  # every worker has the same, however long the sweep takes and whatever becomes of the file
def _content(name: str, sha256: str | None) -> bytes:
    """Of the file of `mine.py:build`, as it was asked for."""
    path = Path(name.rpartition(":")[0])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserCodeError(
            f"{path} cannot be read ({error.strerror}), and the workers need it: put it back, or ask again with "
            f"another --run."
        ) from error
    if sha256 not in (None, hashlib.sha256(content).hexdigest()):
        raise _changed(name)
    return content


def _hash_of(name: str) -> str | None:
    """Of the file of `mine.py:build` or `package.module:build`; None where there is none to be read."""
    try:
        file = user_code.file_of(name)  # which imports the package of a module: a person has named it, or nobody asks
        return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else None
    except (OSError, ImportError, ValueError):
        return None


def _sentence(error: Exception) -> str:
    theirs = user_code.blame(error)
    sentence = theirs or f"{type(error).__name__}: {str(error).strip() or 'it says no more'}"
    for folder in _FOLDERS:
        sentence = sentence.replace(f"{folder.name}{os.sep}", "")
    return sentence
