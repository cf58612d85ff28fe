"""What becomes of the results of a sweep under other settings: pure functions of settings and results.

A result is kept under its own trial, or under one with larger limits if those cannot change it. A failure is kept in
both cases. Settings are refused if they leave out a result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from memoryspan.sweeps.kind import Kind, SweepConfig
from memoryspan.sweeps.trial import Trial, TrialResult

LISTED = 8
"""Values that a message lists at most."""

Results = Mapping[str, TrialResult]
"""By the key of the trial."""


@dataclass(frozen=True)
class Change:
    """How a setting differs from what it was before.

    Attributes:
        setting: its name.
        lost: what the results before had, and those under the new settings have not; empty where it only gained.
        gained: what is new.
    """

    setting: str
    lost: str
    gained: str


@dataclass(frozen=True)
class Extension:
    """The results of a sweep under new settings.

    Attributes:
        kept: all of them, by the key of the new trial.
        carried: the keys of those that were found with smaller limits.
        again: the trials whose result with smaller limits may differ from theirs.
    """

    kept: dict[str, TrialResult]
    carried: tuple[str, ...]
    again: tuple[Trial, ...]


def extend(kind: Kind, results: Results, before: SweepConfig, now: SweepConfig) -> Extension:
    """Return what becomes of the results of `before`; `results` may have some of `now` as well."""
    old = _alike(results[trial.key] for trial in before.trials if trial.key in results)
    kept: dict[str, TrialResult] = {}
    carried, again = [], []
    for trial in now.trials:
        if trial.key in results:
            kept[trial.key] = results[trial.key]
            continue
        smaller = [found for found in old.get(_identity(trial), []) if kind.extends(found.trial, trial)]
        found = next((found for found in smaller if found.failure or kind.holds(found, trial)), None)
        if found is not None:
            kept[trial.key] = msgspec.structs.replace(found, trial=trial)
            carried.append(trial.key)
        elif smaller:
            again.append(trial)
    return Extension(kept, tuple(carried), tuple(again))


def leaves_out(kind: Kind, results: Results, before: SweepConfig, now: SweepConfig) -> bool:
    """Return whether the trials of `now` have no counterpart of a trial of `before` that has a result.

    That is the same trial, or one with larger limits; or one with smaller limits that has a result.
    """
    keys = {trial.key for trial in now.trials}
    alike: dict[bytes, list[Trial]] = {}
    for trial in now.trials:
        alike.setdefault(_identity(trial), []).append(trial)

    def has_counterpart(old: Trial) -> bool:
        others = alike.get(_identity(old), [])
        return old.key in keys or any(
            kind.extends(old, new) or (new.key in results and kind.extends(new, old)) for new in others
        )

    return not all(has_counterpart(trial) for trial in before.trials if trial.key in results)


def changes(before: SweepConfig, now: SweepConfig) -> list[Change]:
    """Return how each setting differs, for those that do."""
    pairs = [(name, getattr(before, name), getattr(now, name)) for name in _settings(before)]
    return [_change(name, old, new) for name, old, new in pairs if _plain(old) != _plain(new)]


def refusal(kind: Kind, results: Results, before: SweepConfig, now: SweepConfig) -> str:
    """Return which changes of the settings leave out a result, in words; empty where none does."""
    if not leaves_out(kind, results, before, now):
        return ""
    made = [change for change in changes(before, now) if change.lost]

    def alone(change: Change) -> Any:
        return msgspec.structs.replace(before, **{change.setting: getattr(now, change.setting)})  # pyright: ignore

    guilty = [change for change in made if leaves_out(kind, results, before, alone(change))]
    return "; ".join(change.lost for change in guilty or made)


def _settings(config: SweepConfig) -> Sequence[str]:
    return type(config).__struct_fields__  # pyright: ignore[reportAttributeAccessIssue]


def _change(name: str, before: Any, now: Any) -> Change:
    if not isinstance(before, tuple):
        return Change(name, f"{name} {_one(before)} → {_one(now)}", "")
    gone, new = _without(before, now), _without(now, before)
    named = {str(each) for each in new}
    changed = [each for each in gone if str(each) in named]
    removed = [each for each in gone if str(each) not in named]
    lost = [f"{each} has changed since" for each in changed] + ([f"without {name} {_several(removed)}"] * bool(removed))
    added = [each for each in new if str(each) not in {str(each) for each in gone}]
    return Change(name, "; ".join(lost), f"with {name} {_several(added)}" if added else "")


def _without(these: Iterable[Any], those: Iterable[Any]) -> list[Any]:
    known = {_plain(each) for each in those}
    return [each for each in these if _plain(each) not in known]


def _several(values: Sequence[Any]) -> str:
    more = len(values) - LISTED
    return " ".join(map(_one, values[:LISTED])) + (f" and {more:,} more" if more > 0 else "")


def _one(value: Any) -> str:
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def _alike(results: Iterable[TrialResult]) -> dict[bytes, list[TrialResult]]:
    alike: dict[bytes, list[TrialResult]] = {}
    for found in results:
        alike.setdefault(_identity(found.trial), []).append(found)
    return alike


def _identity(trial: Trial) -> bytes:
    """Return what a trial has in common with every trial that differs from it in limits."""
    return _plain((trial.task, trial.model, trial.seed))


def _plain(value: Any) -> bytes:
    """Return a value as it comes back from a file, where tuples and lists are one."""
    return msgspec.json.encode(value, order="deterministic")
