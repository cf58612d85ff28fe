import pytest

from memoryspan import Accuracy, Budget, Echo, Status
from memoryspan.backend import jax
from memoryspan.errors import InsufficientMemoryError
from memoryspan.spans.held import EXAMPLES
from memoryspan.spans.learned import SpanTracker, learned_span
from memoryspan.spans.trial import Span
from memoryspan.training import HistoryRow, TrainSnapshot

TASK = Echo(1024, 6, 2)
BUDGET = Budget(examples=1000)


def remembers(limit):
    return lambda length, enough: Accuracy(EXAMPLES if length <= limit else 167, EXAMPLES, length, 1 / 6)


def at(length, examples=100):
    row = HistoryRow(
        updates=1, examples=examples, tokens=1, skipped=0, seconds=1.0, length=length, accuracy=1.0, loss=0.0
    )
    return TrainSnapshot(jax.numpy.zeros(()), row)  # type: ignore[arg-type]  (its state is not looked at)


def climbed(*lengths, limits=(2000, 2000), examples=100):
    tracker = SpanTracker(3)
    for length in lengths:
        tracker = tracker.update(at(length, examples), [remembers(limit) for limit in limits], BUDGET)
    return tracker


def held(length, at_least=False):
    return Span(length, None if length is None else TASK.lag(length), at_least)


def test_a_length_that_the_curriculum_leaves_behind_is_measured_then():
    assert climbed(3) == SpanTracker(3, longest=3)
    assert climbed(3, 6).mastered == 3
    assert climbed(3, 6, 12, 24).mastered == 12


def test_all_measures_have_to_pass():
    assert climbed(3, 6, 12, 24, limits=(7, 2000)).mastered == 6
    assert climbed(3, 6, 12, 24, limits=(2000, 3)).mastered == 3
    assert climbed(3, 6, 12, 24, limits=(2000, 0)).mastered is None


def test_what_does_not_fit_into_memory_is_not_mastered():
    def look(length, enough):
        raise InsufficientMemoryError("too long")

    assert SpanTracker(3).update(at(6), [look], BUDGET).mastered is None


def test_a_curriculum_that_falls_back_takes_nothing_away():
    assert climbed(6, 12, 6, 3) == SpanTracker(3, longest=12, mastered=6, grown_at=0.1)


@pytest.mark.parametrize(("at_the_end", "span"), [(None, 12), (5, 12), (12, 12), (20, 20), (500, 500)])
def test_the_span_is_what_was_mastered_or_what_the_model_holds_at_the_end(at_the_end, span):
    found = learned_span(climbed(3, 6, 12, 24), Status.BUDGET, TASK, held(at_the_end))
    assert (found.length, found.lag) == (span, span - 3)


def test_a_model_that_never_learns_has_no_span():
    found = learned_span(climbed(3, 3), Status.BUDGET, TASK, held(None))
    assert (found.length, found.lag, found.at_least) == (None, None, False)


@pytest.mark.parametrize(
    ("ended", "examples", "held_at_least", "at_least"),
    [
        (Status.BUDGET, 100, False, False),
        (Status.BUDGET, 900, False, True),
        (Status.BUDGET, 100, True, True),
        (Status.SOLVED, 100, False, True),
        (Status.MEMORY, 100, False, True),
        (Status.NOT_FINITE, 900, False, False),
    ],
)
def test_a_span_is_a_lower_bound_where_something_else_than_the_model_ended_it(ended, examples, held_at_least, at_least):
    climb = climbed(3, 6, 12, examples=examples)
    assert learned_span(climb, ended, TASK, held(12, held_at_least)).at_least is at_least
