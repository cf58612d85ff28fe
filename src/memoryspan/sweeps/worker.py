"""Run a group of trials in a worker. JAX and Keras are imported here, when the first group arrives."""

import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import msgspec

from memoryspan import user_code, user_files
from memoryspan._version import __version__
from memoryspan.environment import environment
from memoryspan.errors import RunError, UserCodeError
from memoryspan.spec import Spec
from memoryspan.sweeps.checkpoint import key_of
from memoryspan.sweeps.group import Group, Message
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.trial import Failure, Trial, TrialResult
from memoryspan.sweeps.versions import difference, versions

ONE_THREAD = {"JAX_NUM_CPU_DEVICES": "1", "PJRT_NPROC": "1"}
"""Environment of a worker. A sum that is split among threads or devices differs in its last bits."""

CHECKPOINT_SECONDS = 2.0
"""Seconds between two checkpoints of a group: at most this much training is lost with a worker."""

Files = dict[str, dict[str, bytes]]


class Work(msgspec.Struct, frozen=True):
    """A group of trials on its way to a worker."""

    trials: msgspec.Raw
    """Trials of one kind that differ in their seed alone."""
    versions: dict[str, str]
    """The versions of the packages in the sending process; a worker with other versions refuses."""
    files: Files = {}
    """Files of user code as `user_files.sources` returns them, by the path in a trial, for workers without them."""
    checkpoints: dict[str, bytes] = {}
    """Checkpoints of these trials, by the `checkpoint.key_of` those that were run together."""


def run_group(
    kind: Kind,
    work: bytes,
    deliver: Callable[[Message], None] = lambda message: None,
    every: float = CHECKPOINT_SECONDS,
    newest: Callable[[str], bytes | None] = lambda key: None,
) -> bytes:
    """Run the trials that `client.pack` has packed, and return their results.

    Args:
        kind: of the trials.
        work: a `Work`, as JSON.
        deliver: sends a message to the process that runs the sweep.
        every: seconds between two checkpoints.
        newest: returns a newer checkpoint than the one that came with the work, by the `checkpoint.key_of` its trials.

    Raises:
        RunError: this worker has other versions of what decides the results.
    """
    with _ONE_AT_A_TIME:
        packed = msgspec.json.decode(work, type=Work)
        if other := difference(packed.versions, versions()):
            raise RunError(f"A worker has {other}: install the same versions there as here.")
        if "jax" not in sys.modules:
            for name, value in ONE_THREAD.items():
                os.environ.setdefault(name, value)

        def new_group(trials: Sequence[Trial]) -> Group:
            keys = [trial.key for trial in trials]
            saved = newest(key_of(keys)) or packed.checkpoints.get(key_of(keys))
            return Group(keys, name_of(kind, trials), saved, deliver, every)

        trials = msgspec.json.decode(packed.trials, type=list[kind.trial])
        return msgspec.json.encode(_results(kind, trials, packed.files, new_group))


def flush() -> None:
    """Deliver the state of the group that runs in this process; any thread may call this."""
    if _running is not None:
        _running.flush()


_running: Group | None = None

_ONE_AT_A_TIME = threading.Lock()
"""A worker may have several threads, and Keras has one generator of random numbers."""


def _results(
    kind: Kind, trials: Sequence[Trial], files: Files, new_group: Callable[[Sequence[Trial]], Group]
) -> list[TrialResult]:
    """Return a result of each trial; where the group fails, each trial is run alone."""
    global _running
    _running = new_group(trials)
    try:
        found = kind.run([_located(trial, files) for trial in trials], _running)
    except Exception as error:
        if len(trials) > 1:
            return [each for trial in trials for each in _results(kind, [trial], files, new_group)]
        failure = Failure(_message(error), "".join(traceback.format_exception(error)))
        return [TrialResult(memoryspan=__version__, trial=trials[0], failure=failure, environment=environment())]
    finally:
        _running = None
    where, pairs = environment(), zip(trials, found, strict=True)
    return [TrialResult(memoryspan=__version__, trial=trial, result=each, environment=where) for trial, each in pairs]


def name_of(kind: Kind, trials: Sequence[Trial]) -> str:
    """Return what trials that differ in their seed alone are called: `lstm on echo, seeds 0, 1`."""
    first, *others = (trial.seed for trial in trials)
    if len(others) > 1 and others == list(range(first + 1, first + 1 + len(others))):
        seeds = f"seeds {first} to {others[-1]}"
    else:
        seeds = f"seed{'s' * bool(others)} {', '.join(map(str, (first, *others)))}"
    return f"{kind.describe(trials[0])}, {seeds}"


def _located(trial: Trial, files: Files) -> Trial:
    """Return a trial whose names mean the same in this process as where the sweep was configured."""
    return msgspec.structs.replace(trial, task=_here(trial.task, files), model=_here(trial.model, files))


def _here(spec: Spec, files: Files) -> Spec:
    path, _, attribute = spec.name.rpartition(":")
    if path in files:
        _require_intact(path, files[path], spec.sha256)
        sent = tuple(files[path].items())
        if _is_here(spec.name, Path.cwd(), sent):
            return spec
        return Spec(f"{_written(sent)}:{attribute}", spec.settings, spec.sha256)
    if user_code.is_import_path(spec.name):
        require_unchanged(spec.name, spec.sha256)
    return spec


def _require_intact(path: str, sent: dict[str, bytes], sha256: str | None) -> None:
    if sha256 is not None and user_files.digest(sent) != sha256:
        raise UserCodeError(
            f"What arrived at this worker as {path} is not the file that the sweep was configured with: run the trial "
            f"again with --retry-failed."
        )


@cache  # once it is imported, a file may change
def _is_here(name: str, directory: Path, sent: tuple[tuple[str, bytes], ...]) -> bool:
    """Return whether the files of `mine.py:build` are at the same path here, and were imported as they were sent."""
    try:
        if user_files.sources(directory / name.rpartition(":")[0]) != dict(sent):
            return False
    except OSError:
        return False
    return user_code.sha256(name) == user_files.digest(dict(sent))


@cache
def _written(sent: tuple[tuple[str, bytes], ...]) -> str:
    """Write files that were sent along, and return where the first one is until the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="memoryspan-")
    _FOLDERS.append(folder)
    for name, content in sent:
        here = Path(folder.name) / name
        here.parent.mkdir(parents=True, exist_ok=True)
        here.write_bytes(content)
    return str(Path(folder.name) / sent[0][0])


_FOLDERS: list[tempfile.TemporaryDirectory] = []
"""Each is removed when this list goes."""


@cache  # once it is imported, a file may change
def require_unchanged(name: str, sha256: str | None) -> None:
    """Raise `UserCodeError` where the file of `mine.py:build` or `package.module:build` has another hash."""
    if sha256 is not None and _hash_of(name) not in (None, sha256):
        raise changed(name)


def changed(name: str) -> UserCodeError:
    """Return the error of a file of user code that is not the one that the sweep was configured with."""
    return UserCodeError(
        f"{name} has changed since the sweep was configured: put the old file back, or start another sweep with "
        f"another --dir."
    )


def _hash_of(name: str) -> str | None:
    """Return the hash of the file of a name; None where no file can be read."""
    try:
        file = user_code.file_of(name)  # imports the package that a module is in
        if file is None:
            return None
        alone = not name.rpartition(":")[0].endswith(".py")  # a module of a package, which is there as a whole
        return user_files.digest({file: Path(file).read_bytes()} if alone else user_files.sources(Path(file)))
    except (OSError, ImportError, ValueError):
        return None


def _message(error: Exception) -> str:
    message = user_code.blame(error) or f"{type(error).__name__}: {str(error).strip() or 'no message'}"
    for folder in _FOLDERS:
        message = message.replace(f"{folder.name}{os.sep}", "")
    return message
