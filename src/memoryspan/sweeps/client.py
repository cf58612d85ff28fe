"""Groups of trials, packed for workers, and their results, unpacked.

Both travel as JSON, so that a worker elsewhere needs this package and nothing else.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import msgspec

from memoryspan import user_code, user_files
from memoryspan._version import __version__
from memoryspan.environment import PACKAGES, Environment, commit
from memoryspan.errors import UserCodeError
from memoryspan.sweeps.checkpoint import key_of
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.trial import Failure, Trial, TrialResult
from memoryspan.sweeps.versions import versions
from memoryspan.sweeps.worker import Work, changed, require_unchanged


def groups(
    trials: Sequence[Trial],
    workers: int,
    pending: Collection[str] | None = None,
    under_way: Collection[tuple[str, ...]] = (),
) -> list[tuple[Trial, ...]]:
    """Return the pending trials of a sweep in groups that differ in their seed alone and train in one program.

    Where there are fewer such groups than workers, the largest are split into about equal parts until each worker has
    one or every trial is alone. The trials of the sweep and the number of workers decide the groups, and not which
    trials are pending, so that a sweep that is resumed has the groups that it had; those that are under way stay as
    they are in any case. `pending` and `under_way` are keys; by default all trials are pending.
    """
    by_key = {trial.key: trial for trial in trials}
    left = set(by_key if pending is None else pending)
    begun = []
    for keys in sorted(under_way, key=len):  # where a group failed, its trials are under way alone
        if left.issuperset(keys):
            begun.append(keys)
            left.difference_update(keys)
    planned = [tuple(key for key in group if key in left) for group in _planned(trials, workers)]
    return [tuple(by_key[key] for key in group) for group in (*begun, *planned) if group]


def _planned(trials: Sequence[Trial], workers: int) -> list[list[str]]:
    """Return the keys of all trials of a sweep, in groups."""
    alike: dict[str, list[str]] = {}
    for trial in trials:
        alike.setdefault(msgspec.structs.replace(trial, seed=0).key, []).append(trial.key)
    wholes = list(alike.values())
    parts = [1] * len(wholes)
    for _ in range(min(workers, len(trials)) - len(wholes)):
        largest = max(range(len(wholes)), key=lambda number: len(wholes[number]) / parts[number])
        parts[largest] += 1
    return [part for whole, count in zip(wholes, parts, strict=True) for part in _split(whole, count)]


def pack(trials: Sequence[Trial], send_files: bool, checkpoints: Mapping[tuple[str, ...], Path] | None = None) -> bytes:
    """Return trials as `worker.run_group` takes them, with their checkpoints.

    With `send_files` the files of user code that they need go along.

    Raises:
        UserCodeError: such a file cannot be read, or has changed since the sweep was configured.
    """
    keys = {trial.key for trial in trials}
    saved = {key_of(group): path.read_bytes() for group, path in (checkpoints or {}).items() if keys.issuperset(group)}
    content = msgspec.Raw(msgspec.json.encode(trials))
    return msgspec.json.encode(Work(content, versions(), _files(trials) if send_files else {}, saved))


def unpack(kind: Kind, results: bytes) -> list[TrialResult]:
    """Return what `worker.run_group` has returned."""
    return msgspec.json.decode(results, type=list[kind.file])


def lost(trials: Sequence[Trial], reason: str) -> list[TrialResult]:
    """Return failures of trials whose worker was lost on every attempt."""
    where = Environment("a worker that was lost", {name: version(name) for name in PACKAGES}, commit(Path.cwd()))
    failure = Failure(reason, "")
    return [TrialResult(memoryspan=__version__, trial=trial, failure=failure, environment=where) for trial in trials]


def _split(trials: list[str], count: int) -> list[list[str]]:
    ends = [len(trials) * number // count for number in range(count + 1)]
    return [trials[start:end] for start, end in pairwise(ends)]


def _files(trials: Sequence[Trial]) -> dict[str, dict[str, bytes]]:
    """Return the files of user code that trials need, by path: each with those that it imports from its folder."""
    files = {}
    for spec in [spec for trial in trials for spec in (trial.task, trial.model)]:
        path = spec.name.rpartition(":")[0]
        if path.endswith(".py"):
            files[path] = _content(path, spec.sha256)
        elif user_code.is_import_path(spec.name):
            require_unchanged(spec.name, spec.sha256)
    return files


@cache  # every worker gets the same content, however long the sweep takes and whatever becomes of the file
def _content(path: str, sha256: str | None) -> dict[str, bytes]:
    try:
        files = user_files.sources(Path(path))
    except OSError as error:
        raise UserCodeError(
            f"{path} cannot be read ({error.strerror}), and the workers need it: put it back, or start another sweep "
            f"with another --dir."
        ) from error
    if sha256 not in (None, user_files.digest(files)):
        raise changed(path)
    return files
