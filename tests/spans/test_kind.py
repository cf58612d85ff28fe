"""What of a span sweep holds when its limits are raised."""

import msgspec
import pytest

from memoryspan.accuracy import AccuracyRecord
from memoryspan.spans.kind import SPAN, extends, holds
from memoryspan.spans.measure import measure
from memoryspan.spec import Spec
from memoryspan.sweeps.sweep import open_for_writing, pending, read_sweep, save
from memoryspan.training.budget import Budget
from tests.sweeps.tiny_sweep import config, result_of

TRIAL = config(1).trials[0]


def raised(**limits):
    return msgspec.structs.replace(TRIAL, **limits)


def found(trial=TRIAL, longest=3, **figures):
    whole = result_of(trial)
    record = AccuracyRecord(n_correct=1, examples=1, length=longest, chance=0.3, value=1.0, interval=(0.2, 1.0))
    return msgspec.structs.replace(whole, result=msgspec.structs.replace(whole.result, curve=(record,), **figures))


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"budget": Budget(examples=128)}, True),
        ({"budget": Budget(examples=None)}, True),
        ({"budget": Budget(examples=64, tokens=100)}, False),
        ({"budget": Budget(examples=32)}, False),
        ({"max_length": 8}, True),
        ({"max_length": 3}, False),
        ({"max_length": 8, "seed": 1}, False),
        ({"batch_size": 9}, False),
    ],
)
def test_a_trial_extends_another_with_larger_limits_alone(limits, expected):
    assert extends(TRIAL, raised(**limits)) is expected


@pytest.mark.parametrize(("ended", "expected"), [("budget", False), ("solved", True), ("not finite", True)])
def test_a_result_holds_under_a_larger_budget_unless_the_budget_ended_it(ended, expected):
    assert holds(found(ended=ended), raised(budget=Budget(examples=128))) is expected


@pytest.mark.parametrize(("reached", "longest", "expected"), [(3, 3, True), (4, 3, False), (3, 4, False)])
def test_a_result_holds_under_a_larger_maximum_unless_it_came_to_the_old_one(reached, longest, expected):
    assert holds(found(reached=reached, longest=longest), raised(max_length=8)) is expected


def test_a_model_that_depends_on_the_maximum_is_run_again():
    deep = msgspec.structs.replace(TRIAL, model=Spec("tcn", {"units": 3, "kernel_size": 2}), max_length=20)
    assert not holds(found(deep), msgspec.structs.replace(deep, max_length=200))


def test_what_is_said_to_hold_is_what_a_new_training_finds():
    short = msgspec.structs.replace(
        TRIAL, max_length=64, budget=Budget(examples=2000), task=Spec("echo", {"n_features": 6, "out_index": 2})
    )
    longer = msgspec.structs.replace(short, max_length=128)
    (before,), (after,) = measure([short]), measure([longer])
    assert holds(msgspec.structs.replace(result_of(short), result=before), longer)
    assert msgspec.structs.replace(before, seconds=0) == msgspec.structs.replace(after, seconds=0)


def test_a_sweep_is_extended_and_keeps_what_holds(tmp_path):
    with open_for_writing(tmp_path, SPAN, config(3)) as sweep:
        for trial, ended in zip(sweep.trials, ("solved", "budget", "not finite"), strict=True):
            save(sweep, found(trial, ended=ended))
    larger = msgspec.structs.replace(config(3), budget=Budget(examples=128))
    with open_for_writing(tmp_path, SPAN, larger) as sweep:
        assert [trial.seed for trial in pending(sweep)] == [1]
        assert "2 of 3" in " ".join(sweep.notices)
        assert "seed 1" in " ".join(sweep.notices)
    kept = read_sweep(tmp_path, SPAN)
    assert [each.trial.seed for each in kept.completed] == [0, 2]
    assert kept.manifest.config == larger
