"""What of a span sweep holds when its limits are raised."""

import jax
import msgspec
import pytest

from memoryspan.accuracy import AccuracyRecord
from memoryspan.engine import forward, variables_of
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.models import make_model
from memoryspan.spans.kind import SPAN, extends, holds
from memoryspan.spans.measure import measure, task_at_max_length
from memoryspan.spec import Spec
from memoryspan.sweeps.sweep import open_for_writing, pending, read_sweep, save
from memoryspan.training.budget import Budget
from tests.sweeps.tiny_sweep import config, result_of

TRIAL = config(1).trials[0]


def raised(**limits):
    return msgspec.structs.replace(TRIAL, **limits)


def found(trial=TRIAL, longest=3, **figures):
    whole = result_of(trial)
    assert whole.result is not None
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


@pytest.mark.parametrize(
    ("ended", "examples", "expected"),
    [("budget", 64, False), ("solved", 64, False), ("solved", 56, True), ("not finite", 56, True)],
)
def test_a_result_holds_under_a_larger_budget_unless_the_old_one_was_spent(ended, examples, expected):
    assert holds(found(ended=ended, examples=examples), raised(budget=Budget(examples=128))) is expected


@pytest.mark.parametrize(("reached", "longest", "expected"), [(3, 3, True), (4, 3, False), (3, 4, False)])
def test_a_result_holds_under_a_larger_maximum_unless_it_came_to_the_old_one(reached, longest, expected):
    assert holds(found(reached=reached, longest=longest), raised(max_length=8)) is expected


def test_a_model_that_depends_on_the_maximum_is_run_again():
    deep = msgspec.structs.replace(TRIAL, model=Spec("tcn", {"units": 3, "kernel_size": 2}), max_length=20)
    assert not holds(found(deep), msgspec.structs.replace(deep, max_length=200))


@pytest.mark.parametrize(
    ("name", "maximum", "reached", "expected"),
    [("min_gru", 200, 150, False), ("min_gru", 256, 150, True), ("min_gru", 200, 100, True), ("lstm", 200, 150, True)],
)
def test_a_result_holds_where_the_same_examples_are_drawn_with_both_maxima(name, maximum, reached, expected):
    task = Spec("echo", {"n_features": 100, "out_index": 2})
    before = msgspec.structs.replace(TRIAL, task=task, model=Spec(name, {"units": 3}), max_length=maximum)
    now = msgspec.structs.replace(before, max_length=512)
    assert holds(found(before, reached=reached, longest=reached), now) is expected
    if expected:
        accuracies = []
        for trial in (before, now):
            model = make_model(trial.model, at := task_at_max_length(trial), seed=0)
            accuracy_fn = make_accuracy_fn(forward(model), at)
            accuracies.append(accuracy_fn(variables_of(model), jax.random.key(0), 1000, reached))
        assert accuracies[0] == accuracies[1]


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
            save(sweep, found(trial, ended=ended, examples=64 if ended == "budget" else 56))
    larger = msgspec.structs.replace(config(3), budget=Budget(examples=128))
    with open_for_writing(tmp_path, SPAN, larger) as sweep:
        assert [trial.seed for trial in pending(sweep)] == [1]
        assert "2 of 3" in " ".join(sweep.notices)
        assert "seed 1" in " ".join(sweep.notices)
    kept = read_sweep(tmp_path, SPAN)
    assert [each.trial.seed for each in kept.completed] == [0, 2]
    assert kept.manifest.config == larger
