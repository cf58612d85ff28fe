import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan import Budget
from memoryspan.errors import TaskError
from tests.messages import naming


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("500", Budget(examples=500)),
        ("200k", Budget(examples=200_000)),
        ("200k examples", Budget(examples=200_000)),
        ("1.5M", Budget(examples=1_500_000)),
        ("2G", Budget(examples=2_000_000_000)),
        ("5Mtokens", Budget(examples=None, tokens=5_000_000)),
        (" 5M tokens ", Budget(examples=None, tokens=5_000_000)),
        ("90s", Budget(examples=None, seconds=90)),
        ("0.5 s", Budget(examples=None, seconds=0.5)),
        ("10min", Budget(examples=None, seconds=600)),
        ("2h", Budget(examples=None, seconds=7200)),
    ],
)
def test_a_budget_is_read_from_a_few_characters(text, budget):
    assert Budget.parse(text) == budget


@pytest.mark.parametrize("text", ["", "k", "-3", "1e6", "5 weeks", "200 k", "10m", "5MB", "5 M tokens", "1,000", "²"])
def test_what_does_not_read_like_a_budget_is_refused_with_examples(text):
    with pytest.raises(TaskError, match=naming("200k", "5Mtokens", "90s", "10min", "2h", repr(text))):
        Budget.parse(text)


@pytest.mark.parametrize("text", ["0", "0s", "0.0h", "0.4"])
def test_a_budget_of_nothing_is_refused(text):
    with pytest.raises(TaskError, match=naming(0)):
        Budget.parse(text)


@pytest.mark.parametrize("unit", ["examples", "tokens", "seconds"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "5"])
def test_a_limit_is_a_number_above_0(unit, value):
    with pytest.raises(TaskError, match=naming(unit, 0, repr(value))):
        Budget(**{unit: value})


@given(st.integers(1, 10**6), st.sampled_from(["", "k", "M"]))
def test_multiples_multiply(number, multiple):
    assert Budget.parse(f"{number}{multiple}").examples == number * {"": 1, "k": 10**3, "M": 10**6}[multiple]


limits = st.none() | st.integers(1, 100)
amounts = st.integers(0, 200)


@given(st.tuples(limits, limits, limits), st.tuples(amounts, amounts, amounts))
def test_it_is_spent_when_any_limit_is_reached(allowed, spent):
    reached = [limit is not None and amount >= limit for limit, amount in zip(allowed, spent, strict=True)]
    assert Budget(*allowed).spent(*spent) is any(reached)


def test_by_default_there_is_a_limit():
    assert Budget().spent(2_000_000, 0, 0)
