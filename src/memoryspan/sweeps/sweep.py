"""A sweep: many trials, and a directory with the result of each.

    manifest.json       the settings of the sweep, and so its trials
    trials/<key>.json   the result of a trial, or why there is no result
    checkpoints/        the state of groups of trials that were interrupted; see `checkpoint`
    results.csv         one row a trial
    .lock               held while a process runs trials

A result's file is complete or does not exist, so that a sweep that ended in any way, even in a killed process, resumes
with the missing trials. Nothing here imports what a file names.
"""

import csv
import io
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from memoryspan import user_code
from memoryspan._version import __version__
from memoryspan.errors import RunError
from memoryspan.files import atomic, versioned
from memoryspan.files.directory import new_or_empty
from memoryspan.files.json import from_json
from memoryspan.files.lock import lock
from memoryspan.printable import printable
from memoryspan.sweeps import checkpoint
from memoryspan.sweeps.extension import Change, Extension, changes, extend, refusal
from memoryspan.sweeps.kind import Kind, SweepConfig
from memoryspan.sweeps.manifest import Manifest, is_sweep, new_manifest, read_manifest, write_manifest
from memoryspan.sweeps.trial import FORMAT, Trial, TrialResult

TRIALS = "trials"
RESULTS = "results.csv"


@dataclass(frozen=True)
class Sweep:
    """A directory, the settings that it has, and the results so far."""

    kind: Kind
    directory: Path
    manifest: Manifest
    results: dict[str, TrialResult]
    """The results by the key of the trial; `save` adds to them."""
    notices: tuple[str, ...]
    """Sentences for the user on what was found when the sweep was opened."""
    configured: bool = False
    """Whether the tasks and models were named in this process: only then is user code among them imported."""
    checkpoints: dict[tuple[str, ...], Path] = field(default_factory=dict)
    """The checkpoints by the keys of the trials that ran together; `save_checkpoint` adds to them."""
    trials: list[Any] = field(init=False)
    """All trials in order, of the type of the kind."""

    def __post_init__(self):
        object.__setattr__(self, "trials", list(self.manifest.config.trials))

    @property
    def completed(self) -> list[TrialResult]:
        """The results so far, in the order of the trials."""
        return [self.results[trial.key] for trial in self.trials if trial.key in self.results]

    @property
    def command(self) -> str:
        """The command that resumes the sweep."""
        return f"memoryspan {self.kind.command} --dir {shlex.quote(str(self.directory))}"


def read_sweep(directory: str | Path, *kinds: Kind) -> Sweep:
    """Return a sweep of one of these kinds as it is on the disk. Takes no lock, and changes nothing.

    Raises:
        RunError: there is no sweep, it is of another kind, or its manifest is damaged or of another format.
    """
    directory = Path(directory)
    kind, manifest = read_manifest(directory, *kinds)
    results, notices = _read_results(directory, kind, manifest.config.trials)
    return Sweep(kind, directory, manifest, results, notices)


@contextmanager
def open_for_writing(
    directory: str | Path | None, kind: Kind, config: SweepConfig | None = None, known: Sweep | None = None
) -> Iterator[Sweep]:
    """Open a sweep to run its trials: a new one, or one to resume. Its lock is held in the block.

    Args:
        directory: that of a sweep, or one that is new or empty; by default a new one, `runs/span-echo-001`.
        kind: the kind of its trials.
        config: the settings; None for those of the sweep in the directory. They may be those of the directory and
            more: more trials, or larger limits. Results that hold under the larger limits are kept. No file of a result
            is removed, so that smaller limits can come back as long as their results are there.
        known: the sweep as it was read before; its results are not read again.

    Raises:
        RunError: the directory holds something else, a sweep with other settings, or a damaged manifest; it is in
            use, or cannot be written to.
    """
    place = Path(directory) if directory else None
    if config is None:
        place = place or Path()
        read_manifest(place, kind)  # raises where there is no sweep
    elif place is None or not is_sweep(place):
        place = new_or_empty(place, f"{kind.command}-{config.subject[:40]}", "--dir")
    instead = "Make room there, or give another --dir."
    with atomic.as_run_error(place, instead):
        held = lock(
            place,
            f"Another process is running the sweep in {place}: wait until it ends, stop it, or give another --dir.",
        )
    try:
        with atomic.as_run_error(place, instead):
            sweep = _open_locked(place, kind, config, known)
        yield sweep
    finally:
        held.release()


def pending(sweep: Sweep, retry_failed: bool = False) -> list[Any]:
    """Return the trials to run: those without a result, and on request those that failed."""

    def is_done(trial: Trial) -> bool:
        found = sweep.results.get(trial.key)
        return found is not None and not (retry_failed and found.failure)

    return [trial for trial in sweep.trials if not is_done(trial)]


def require_trusted(sweep: Sweep, trials: Sequence[Trial]) -> None:
    """Raise `RunError` where trials need user code that was not named in this process."""
    if not sweep.configured:
        require_named(trials, sweep.trials)


def require_named(trials: Sequence[Trial], every: Sequence[Trial], named: Collection[str] = ()) -> None:
    """Raise `RunError` where trials, out of every one of a sweep, need user code that a person did not name.

    `named` has `task` where a person named all tasks, and `model` where they named all models.
    """
    options = []
    for field_name in ("task", "model"):
        needed = {getattr(trial, field_name).name for trial in trials}
        if field_name not in named and any(map(user_code.is_import_path, needed)):
            specs = dict.fromkeys(str(getattr(trial, field_name)) for trial in every)
            options += [f"--{field_name} {shlex.quote(spec)}" for spec in specs]
    if options:
        raise RunError(
            f"The sweep needs code that is not part of memoryspan. Nothing is imported because a file names it: if you "
            f"trust the code, give {' '.join(options)} as well."
        )


def save(sweep: Sweep, *found: TrialResult) -> None:
    """Write the files of trials that were run together: all of them, however the process ends, or none.

    Checkpoints of these trials are removed. Raises `RunError` where a file cannot be written.
    """
    keys = [each.trial.key for each in found]
    served = [trials for trials in sweep.checkpoints if not set(trials).isdisjoint(keys)]
    with _writing(sweep):
        journal = [checkpoint.write_journal(sweep.directory, keys, msgspec.json.encode(found))] if found[1:] else []
        for each in found:
            _write_result(sweep.directory, each)
        checkpoint.remove([*journal, *map(sweep.checkpoints.pop, served)])
    sweep.results.update(zip(keys, found, strict=True))


def save_checkpoint(sweep: Sweep, trials: tuple[str, ...], content: bytes) -> None:
    """Write the checkpoint of trials that run together; raises `RunError` where it cannot be written.

    One that arrives after their results is discarded.
    """
    if any(key in sweep.results and sweep.results[key].failure is None for key in trials):
        return
    with _writing(sweep):
        sweep.checkpoints[trials] = checkpoint.write(sweep.directory, trials, content)


def write_csv(sweep: Sweep) -> None:
    """Write `results.csv`, with the results so far in the order of the trials; raises `RunError` where it cannot."""
    text = io.StringIO()
    rows = csv.DictWriter(text, (*sweep.kind.columns, "error"), restval="", lineterminator="\n")
    rows.writeheader()
    rows.writerows(_as_cells(csv_row(sweep.kind, found)) for found in sweep.completed)
    with _writing(sweep):
        atomic.write(sweep.directory / RESULTS, text.getvalue().encode())


def _as_cells(row: dict[str, object]) -> dict[str, object]:
    """Return a row in which a spreadsheet computes nothing: text that begins like a formula gets an apostrophe."""
    texts = {name: printable(value) for name, value in row.items() if isinstance(value, str)}
    formulas = {name: f"'{text}" for name, text in texts.items() if text.startswith(("=", "+", "-", "@"))}
    return row | texts | formulas


def csv_row(kind: Kind, found: TrialResult) -> dict[str, object]:
    """Return a trial's row of `results.csv`."""
    return kind.row(found.trial, found.result) | {"error": found.failure.error if found.failure else ""}


def _open_locked(place: Path, kind: Kind, config: SweepConfig | None, known: Sweep | None) -> Sweep:
    trials = place / TRIALS
    if not is_sweep(place):
        assert config is not None
        manifest, results, checkpoints, notices = new_manifest(kind, config), {}, {}, ()
        write_manifest(place, manifest)
        trials.mkdir(exist_ok=True)
    else:
        _, manifest = read_manifest(place, kind)
        _finish_saving(place, kind)
        before, now = manifest.config, config or manifest.config
        every = {trial.key: trial for trial in (*before.trials, *now.trials)}
        results, notices = _read_results(place, kind, every.values(), known.results if known else {})
        if made := changes(before, now):
            results, told = _extend(place, kind, before, now, results)
            notices = (*_on_changes(made), *told, *notices)
            manifest = msgspec.structs.replace(manifest, memoryspan=__version__, config=now)
            write_manifest(place, manifest)
        trials.mkdir(exist_ok=True)
        atomic.clean(place)
        atomic.clean(trials)
        atomic.clean(place / checkpoint.FOLDER)
        complete = {key for key, found in results.items() if found.failure is None}
        pending = {trial.key for trial in manifest.config.trials} - complete
        checkpoints, unusable = checkpoint.read(place, pending, complete)
        notices = (*notices, *unusable)
    return Sweep(kind, place, manifest, results, notices, config is not None, checkpoints)


def _finish_saving(place: Path, kind: Kind) -> None:
    """Write the results that a killed process had received, and of which it had not yet written each."""
    for path in checkpoint.journals(place):
        with suppress(msgspec.DecodeError):  # damaged: the trials are run again
            for found in from_json(path.read_bytes(), list[kind.file]):
                _write_result(place, found)
        checkpoint.remove([path])


def _extend(
    place: Path, kind: Kind, before: SweepConfig, now: SweepConfig, results: Mapping[str, TrialResult]
) -> tuple[dict[str, TrialResult], tuple[str, ...]]:
    """Return the results under the new settings, each written under its new key, and sentences on them.

    Raises `RunError` where the new settings leave out a trial that has a result.
    """
    if lost := refusal(kind, results, before, now):
        raise RunError(
            f"The sweep in {place} has other settings ({lost}): give those that it has, and more if you like; or none, "
            f"which resumes it (`memoryspan {kind.command} --dir {shlex.quote(str(place))}`); or give another --dir."
        )
    extension = extend(kind, results, before, now)
    for key in extension.carried:
        _write_result(place, extension.kept[key])
    return extension.kept, tuple(_on_extension(len(before.trials), len(now.trials), extension))


def _on_changes(made: Sequence[Change]) -> Iterator[str]:
    words = [part for change in made for part in (change.lost, change.gained) if part]
    if words:
        yield f"The settings of the sweep change: {'; '.join(words)}."


def _on_extension(before: int, now: int, extension: Extension) -> Iterator[str]:
    if before != now:
        yield f"The sweep {'grows' if now > before else 'shrinks'} from {before:,} trials to {now:,}."
    carried = [extension.kept[key] for key in extension.carried]
    failed = sum(found.failure is not None for found in carried)
    total = len(carried) - failed + len(extension.again)
    if total:
        yield f"Under the larger limits {total - len(extension.again):,} of {total:,} results still hold."
    if extension.again:
        yield f"To run again, because a limit may have decided their result: {_by_model(extension.again)}."
    if failed:
        yield f"Trials that failed, and run again only with --retry-failed: {failed:,}."


def _by_model(trials: Sequence[Trial]) -> str:
    seeds: dict[str, list[int]] = {}
    for trial in trials:
        seeds.setdefault(f"{trial.model.name} on {trial.task.name}", []).append(trial.seed)
    return "; ".join(f"{name}, seed {', '.join(map(str, numbers))}" for name, numbers in seeds.items())


def _write_result(place: Path, found: TrialResult) -> None:
    (place / TRIALS).mkdir(exist_ok=True)
    versioned.write(place / TRIALS / f"{found.trial.key}.json", found)


def _writing(sweep: Sweep):
    return atomic.as_run_error(sweep.directory, f"Make room there; {sweep.command} resumes the sweep.")


def _read_results(
    directory: Path, kind: Kind, trials: Iterable[Trial], known: Mapping[str, TrialResult] | None = None
) -> tuple[dict[str, TrialResult], tuple[str, ...]]:
    """Return the results of the trials that have one, and a sentence on each file that cannot be read."""
    results, notices = {}, []
    for trial in trials:
        before = (known or {}).get(trial.key)
        if before is not None and before.failure is None:  # only a failure is ever replaced
            results[trial.key] = before
            continue
        path = directory / TRIALS / f"{trial.key}.json"
        try:
            found = versioned.read(path, kind.file, FORMAT, instead="run its trial again")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except RunError as error:
            notices.append(f"{error} The trial counts as pending.")
            continue
        if found.trial.key != trial.key or (found.result is None) == (found.failure is None):
            notices.append(f"{path} is not the result of its trial, which counts as pending.")
            continue
        results[trial.key] = found
    return results, tuple(notices)
