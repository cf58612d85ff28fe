"""What is said of settings that differ, and which of them leave out a result."""

import msgspec
import pytest

from memoryspan.reproduce.kind import REPRODUCE
from memoryspan.reproduce.suite import SUITE
from memoryspan.reproduce.trial import ReproduceSweepConfig
from memoryspan.spans.kind import SPAN
from memoryspan.spec import Spec
from memoryspan.sweeps.extension import changes, refusal
from memoryspan.sweeps.trial import Failure
from memoryspan.training.budget import Budget
from tests.sweeps.tiny_sweep import LSTM, config, result_of

MINE = Spec("mine.py:build", {"width": 3}, "ab12")
EDITED = msgspec.structs.replace(MINE, sha256="cd34")
BOOK, TUTORIAL = SUITE["echo/book"].recipe, SUITE["echo/tutorial"].recipe


def refused(before, now, kind=SPAN) -> str:
    return refusal(kind, {trial.key: result_of(trial) for trial in before.trials}, before, now)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seeds": (0,)}, "without seeds 1"),
        ({"seeds": (0, 2)}, "without seeds 1"),
        ({"budget": Budget(tokens=9000)}, "budget 64 examples → 2,000,000 examples and 9,000 tokens"),
        ({"max_length": 3, "batch_size": 9}, "batch_size 8 → 9; max_length 4 → 3"),
        ({"max_length": 4000, "batch_size": 9}, "batch_size 8 → 9"),
        ({"max_length": 4000, "budget": Budget(examples=65), "seeds": (1, 2)}, "without seeds 0"),
        ({"models": (Spec("lstm", {"units": 4}),)}, "without models lstm,units=3"),
        ({"models": (MINE, LSTM), "seeds": (0, 1, 2)}, ""),
        ({"max_length": 4000, "budget": Budget(examples=None)}, ""),
    ],
)
def test_settings_that_leave_a_result_out_are_named_with_their_values(change, words):
    assert refused(config(2), msgspec.structs.replace(config(2), **change)) == words


def test_a_file_that_has_changed_is_another_model():
    now = config(2, models=(LSTM, EDITED))
    assert refused(config(2, models=(MINE,)), now) == "mine.py:build,width=3 has changed since"


def test_only_what_is_missing_is_named_and_not_what_is_new():
    assert refused(config(2), config(3, models=(MINE,))) == "without models lstm,units=3"


def test_no_more_than_a_few_values_are_listed():
    assert refused(config(300), config(1)) == "without seeds 1 2 3 4 5 6 7 8 and 291 more"


def test_settings_without_a_result_can_be_replaced():
    assert refusal(SPAN, {}, config(2), config(1, ("delay",), (MINE,))) == ""


@pytest.mark.parametrize(
    ("recipes", "seeds", "words"),
    [
        ((TUTORIAL,), 2, "without experiments echo/book"),
        ((BOOK, TUTORIAL), 1, "without seeds 1"),
        ((msgspec.structs.replace(BOOK, min_length=1),), 2, "echo/book has changed since"),
        ((TUTORIAL, BOOK), 3, ""),
    ],
)
def test_experiments_that_are_missing_are_named(recipes, seeds, words):
    before, now = (
        ReproduceSweepConfig(experiments=which, seeds=tuple(range(count)))
        for which, count in (((BOOK,), 2), (recipes, seeds))
    )
    failed = Failure("ValueError: no", "")
    results = {trial.key: result_of(trial, result=None, failure=failed) for trial in before.trials}
    assert refusal(REPRODUCE, results, before, now) == words


def test_each_setting_that_differs_is_described():
    now = msgspec.structs.replace(config(3, models=(MINE,)), max_length=8)
    found = [(change.setting, change.lost, change.gained) for change in changes(config(2), now)]
    assert found == [
        ("models", "without models lstm,units=3", "with models mine.py:build,width=3"),
        ("seeds", "", "with seeds 2"),
        ("max_length", "max_length 4 → 8", ""),
    ]
    assert changes(config(2), config(2)) == []
