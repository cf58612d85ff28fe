"""Groups of trials that are interrupted resume from their checkpoint, to the bits of groups that are not."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memoryspan.environment import Environment, environment
from memoryspan.reproduce.kind import REPRODUCE
from memoryspan.spans.kind import SPAN
from memoryspan.sweeps import checkpoint
from memoryspan.sweeps.client import groups, pack, unpack
from memoryspan.sweeps.group import Group, Message, Notice, Saved
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.sweep import open_for_writing, pending, read_sweep, save, save_checkpoint
from memoryspan.sweeps.trial import Failure
from memoryspan.sweeps.worker import run_group
from memoryspan.training.budget import Budget
from tests.messages import names
from tests.reproduce.test_attempt import trial as reproduce_trial
from tests.sweeps.tiny_sweep import config, result_of

LONGER = msgspec.structs.replace(config(2), budget=Budget(examples=1600), max_length=16)
"""Twenty chunks of updates, about."""

TRIALS = {
    "span": (SPAN, LONGER.trials),
    "reproduce": (REPRODUCE, [reproduce_trial(seed, budget=Budget(examples=3200)) for seed in (0, 1)]),
}


def run(kind: Kind, trials, saved: Saved | None = None, folder: Path | None = None) -> tuple[list, list[Message]]:
    """The results, and what was delivered on the way: a checkpoint after every chunk."""
    said: list[Message] = []
    files = {}
    if saved is not None and folder is not None:
        files[saved.trials] = checkpoint.write(folder, saved.trials, saved.content)
    found = unpack(kind, run_group(kind, pack(trials, False, files), said.append, every=0))
    results: list[Any] = [each.result for each in found]
    return [msgspec.structs.replace(result, seconds=0) for result in results], said


def notices(said: list[Message]) -> list[str]:
    return [message.sentence for message in said if isinstance(message, Notice)]


def checkpoints(said: list[Message]) -> list[Saved]:
    return [message for message in said if isinstance(message, Saved)]


def updates(saved: Saved) -> list[int]:
    _, state = checkpoint.decode(saved.content, Path())
    return [row["updates"] for row in msgspec.json.decode(state.partition(b"\n")[0])["rows"]]


@pytest.fixture(scope="module", params=["span", "reproduce"])
def uninterrupted(request) -> tuple:
    """A kind, its trials, their results, and the checkpoints on the way."""
    kind, trials = TRIALS[request.param]
    found, said = run(kind, trials)
    assert notices(said) == []
    return kind, trials, found, checkpoints(said)


@pytest.mark.parametrize("moment", [0, 0.5, 1])
def test_a_group_resumed_from_any_of_its_checkpoints_ends_in_the_same_bits(uninterrupted, moment, tmp_path):
    kind, trials, expected, saved = uninterrupted
    number = round(moment * (len(saved) - 1))
    found, said = run(kind, trials, saved[number], tmp_path)
    assert msgspec.json.encode(found) == msgspec.json.encode(expected)
    (sentence,) = notices(said)
    assert names(sentence, "Resumed", kind.describe(trials[0]), 0, 1)
    assert all(updates(each) > updates(saved[number]) for each in checkpoints(said))


HEADER, STATE = checkpoint.encode(["a"], environment(), "far", b"0123").split(b"\n")


def with_header(**changes) -> bytes:
    header = msgspec.json.decode(HEADER, type=checkpoint.Header)
    return msgspec.json.encode(msgspec.structs.replace(header, **changes)) + b"\n" + STATE


def fits_not(state: bytes) -> None:
    raise ValueError(f"its {state.decode()} does not fit")


@pytest.mark.parametrize(
    ("saved", "decode", "words"),
    [
        (with_header(environment=Environment("a tape machine", {}, None)), bytes, ["a tape machine"]),
        (with_header(trials=("b",)), bytes, ["trials"]),
        (with_header(format=99), bytes, [99]),
        (HEADER + b"\n" + STATE[:-1], bytes, ["checksum"]),
        (HEADER + b"\n" + STATE, fits_not, ["0123"]),
        (b"", bytes, []),
    ],
)
def test_a_checkpoint_that_does_not_fit_the_group_is_reported_and_not_used(saved, decode, words):
    said = []
    assert Group(["a"], "lstm on echo", saved, said.append).restore(decode) is None
    (sentence,) = notices(said)
    assert names(sentence, "lstm on echo", *words)
    assert "Resumed" not in sentence


def test_one_that_fits_is():
    said = []
    assert Group(["a"], "lstm on echo", with_header(), said.append).restore(bytes) == STATE
    (sentence,) = notices(said)
    assert names(sentence, "Resumed", "lstm on echo", "far")


def test_what_is_kept_is_delivered_when_it_is_due_or_flushed_and_once():
    said = []
    group = Group(["a"], deliver=said.append, every=1000)
    for state in (b"1", b"2"):
        group.keep(partial(bytes, state))
    assert checkpoints(said) == []
    group.flush()
    group.flush()
    (saved,) = checkpoints(said)
    assert checkpoint.decode(saved.content, Path())[1] == b"2"


# The groups


def test_groups_are_the_same_whichever_trials_are_pending():
    trials = config(5).trials
    keys = [trial.key for trial in trials]
    assert [len(group) for group in groups(trials, 2)] == [2, 3]
    assert groups(trials, 2, keys[1:4]) == [(trials[1],), tuple(trials[2:4])]
    assert groups(trials, 2, []) == []


def test_groups_under_way_stay_as_they_are_however_many_workers_there_are():
    trials = config(5).trials
    keys = [trial.key for trial in trials]
    under_way = [tuple(keys[:2]), tuple(keys[2:])]
    for workers in (1, 2, 5):
        assert groups(trials, workers, keys, under_way) == [tuple(trials[:2]), tuple(trials[2:])]
    assert groups(trials, 1, keys[1:], under_way) == [tuple(trials[2:]), (trials[1],)]
    alone = (keys[3],)
    assert groups(trials, 2, keys, [*under_way, alone]) == [(trials[3],), tuple(trials[:2]), (trials[2], trials[4])]


# The files


def saved_in(sweep, *numbers: int, state: bytes = b"state") -> Path:
    keys = tuple(sweep.trials[number].key for number in numbers)
    save_checkpoint(sweep, keys, checkpoint.encode(keys, environment(), "length 8", state))
    return sweep.directory / "checkpoints" / f"{checkpoint.key_of(keys)}.checkpoint"


def test_a_checkpoint_is_found_again_and_removed_when_the_results_are_in(tmp_path):
    with open_for_writing(tmp_path / "sweep", SPAN, config(3)) as sweep:
        path = saved_in(sweep, 0, 1)
        assert saved_in(sweep, 0, 1, state=b"later") == path
        assert checkpoint.decode(path.read_bytes(), path)[1] == b"later"
    with open_for_writing(tmp_path / "sweep", SPAN) as sweep:
        assert list(sweep.checkpoints.values()) == [path]
        assert sweep.notices == ()
        save(sweep, result_of(sweep.trials[0]), result_of(sweep.trials[1]))
        assert sweep.checkpoints == {}
        saved_in(sweep, 0, 1)  # on its way when the results came
        assert sweep.checkpoints == {}
    assert not path.parent.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"0123", b'{"format": 99, "memoryspan": "9.1"}\n'])
def test_a_damaged_checkpoint_or_one_of_another_format_is_reported(tmp_path, content):
    with open_for_writing(tmp_path / "sweep", SPAN, config(2)) as sweep:
        path = saved_in(sweep, 0, 1)
    path.write_bytes(content)
    with open_for_writing(tmp_path / "sweep", SPAN) as sweep:
        (notice,) = sweep.notices
        assert names(notice, path)
        assert sweep.checkpoints == {}


def test_a_checkpoint_of_other_versions_or_settings_is_reported(tmp_path, monkeypatch):
    with open_for_writing(tmp_path / "sweep", SPAN, config(2)) as sweep:
        path = saved_in(sweep, 0, 1)
    with monkeypatch.context() as newer:
        newer.setattr("memoryspan.sweeps.versions.__version__", "9.9.9")
        with open_for_writing(tmp_path / "sweep", SPAN) as sweep:
            assert sweep.checkpoints == {}
            assert names(sweep.notices[0], path, "memoryspan", "9.9.9")
    larger = msgspec.structs.replace(config(2), budget=Budget(examples=128))
    with open_for_writing(tmp_path / "sweep", SPAN, larger) as sweep:
        assert sweep.checkpoints == {}
        assert names(sweep.notices[-1], path)


@pytest.mark.parametrize("moment", range(1, 3))
def test_results_of_a_group_are_all_there_or_none_wherever_the_process_ends(tmp_path, moment, monkeypatch):
    class KilledError(Exception):
        pass

    replaced = []

    def replace(source, target, before=os.replace):
        if Path(target).parent.name == "trials":
            replaced.append(target)
            if len(replaced) == moment:
                raise KilledError
        before(source, target)

    with open_for_writing(tmp_path / "sweep", SPAN, config(2)) as sweep:
        failed = result_of(sweep.trials[0], result=None, failure=Failure("ValueError: no", ""))
        monkeypatch.setattr(os, "replace", replace)
        with pytest.raises(KilledError):
            save(sweep, failed, result_of(sweep.trials[1]))
        monkeypatch.undo()
    assert len(read_sweep(tmp_path / "sweep", SPAN).results) == moment - 1
    with open_for_writing(tmp_path / "sweep", SPAN) as sweep:
        assert pending(sweep) == []
        assert sweep.completed == [failed, result_of(sweep.trials[1])]
    assert not (tmp_path / "sweep" / "checkpoints").exists()
