import pytest

from memoryspan import Accuracy, Budget, Echo, Status
from memoryspan.backend import jax
from memoryspan.spans.held import EXAMPLES
from memoryspan.spans.learned import Climb, climb_on, learned_span
from memoryspan.training import Position, Row

TASK = Echo(1024, 6, 2)
BUDGET = Budget(examples=1000)


def remembers(limit):
    return lambda length: Accuracy(EXAMPLES if length <= limit else 167, EXAMPLES, length, 1 / 6)


def at(length, examples=100):
    row = Row(updates=1, examples=examples, tokens=1, skipped=0, seconds=1.0, length=length, accuracy=1.0, loss=0.0)
    return Position(jax.numpy.zeros(()), row)  # type: ignore[arg-type]  (its state is not looked at)


def climbed(*lengths, limit=2000, examples=100):
    climb = Climb(3)
    for length in lengths:
        climb = climb_on(climb, at(length, examples), remembers(limit), BUDGET)
    return climb


def test_a_length_that_the_curriculum_leaves_behind_is_proved_then():
    assert climbed(3) == Climb(3)
    assert climbed(3, 6).proved == 3
    assert climbed(3, 6, 12, 24).proved == 12
    assert climbed(3, 6, 12, 24, limit=7).proved == 6


def test_a_curriculum_that_falls_back_takes_nothing_away():
    assert climbed(6, 12, 6, 3) == Climb(3, proved=6, grown_at=0.1)


@pytest.mark.parametrize(
    ("limit", "span"),
    [(2000, 24), (24, 24), (20, 20), (12, 12), (5, 12)],
    ids=["above", "reached", "between", "left", "lost"],
)
def test_the_span_is_what_was_proved_or_more_up_to_where_the_curriculum_stands(limit, span):
    climb = climbed(3, 6, 12, 24)
    found = learned_span(climb, Status.BUDGET, TASK, remembers(limit))
    assert (found.length, found.lag) == (span, span - 3)


def test_a_model_that_never_learns_has_no_span():
    found = learned_span(climbed(3, 3), Status.BUDGET, TASK, remembers(0))
    assert (found.length, found.lag, found.at_least) == (None, None, False)


@pytest.mark.parametrize(
    ("ended", "examples", "at_least"),
    [
        (Status.BUDGET, 100, False),
        (Status.BUDGET, 900, True),
        (Status.SOLVED, 100, True),
        (Status.MEMORY, 100, True),
        (Status.NOT_FINITE, 900, False),
    ],
)
def test_a_span_is_a_lower_bound_where_something_else_than_the_model_ended_it(ended, examples, at_least):
    climb = climbed(3, 6, 12, examples=examples)
    assert learned_span(climb, ended, TASK, remembers(12)).at_least is at_least
