import pytest

from memoryspan import Budget
from memoryspan.errors import TaskError
from memoryspan.spans.measure import measure
from memoryspan.spans.trial import SpanTrial
from memoryspan.spec import Spec
from memoryspan.sweeps.group import Group, Progress
from tests.messages import names, naming

ECHO = Spec("echo", {"n_features": 5, "out_index": 1})


def cell(seed=0, *, max_length=16, budget=Budget(examples=30_000), task=ECHO):  # noqa: B008  (it is frozen)
    model = Spec("lstm", {"units": 10})
    return SpanTrial(task=task, model=model, seed=seed, budget=budget, batch_size=32, max_length=max_length)


def test_a_cell_finds_both_spans_with_the_figures_behind_them():
    said = []
    (found,) = measure([cell()], Group(deliver=said.append))
    assert (found.learned.length, found.learned.lag, found.learned.at_least) == (16, 14, True)
    assert (found.held.length, found.held.at_least) == (16, True)
    assert (found.ended, found.engine) == ("solved", "unroll")
    assert found.examples == found.updates * 32 <= 30_000
    assert [point.length for point in found.curve] == [2, 4, 8, 16]
    assert any(isinstance(message, Progress) for message in said)


def test_the_same_cell_has_the_same_answer():
    one, other = (measure([cell(budget=Budget(examples=2000))])[0] for _ in range(2))
    assert [getattr(one, name) for name in one.__struct_fields__ if name != "seconds"] == [
        getattr(other, name) for name in other.__struct_fields__ if name != "seconds"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("max_length", [1000, 4000])
def test_how_far_one_looks_changes_nothing_of_what_comes_before(max_length):
    said, task = [], Spec("echo", {"n_features": 4, "out_index": 0})
    trials = [cell(max_length=max_length, budget=Budget(examples=2400), task=task)]
    measure(trials, Group(deliver=said.append))
    assert any(names(message.words, 512) for message in said if isinstance(message, Progress))


def test_cells_that_differ_in_their_seed_are_answered_together():
    seeds = 0, 1
    together = measure([cell(seed) for seed in seeds])
    for seed, found in zip(seeds, together, strict=True):
        (alone,) = measure([cell(seed)])
        assert (found.learned, found.ended, found.updates) == (alone.learned, alone.ended, alone.updates)


def test_too_small_a_budget_finds_nothing_learned():
    (found,) = measure([cell(budget=Budget(examples=32))])
    assert (found.ended, found.learned.length, found.held.length) == ("budget", None, None)
    assert found.curve[0].n_correct < 900


def test_a_longest_length_below_the_shortest_is_refused():
    with pytest.raises(TaskError, match=naming("out_index", 0, "length=1", 1)):
        measure([cell(max_length=1)])
