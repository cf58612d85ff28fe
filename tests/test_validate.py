# pyright: reportCallIssue=false
# (Calls that are wrong are what is tested.)

import inspect
import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan.errors import SettingError, TaskError
from memoryspan.validate import INDEX, MOST, checked, choice, flag, function, number, shown, whole_number
from tests.messages import naming

JUNK = st.one_of(st.none(), st.text(), st.booleans(), st.floats(), st.binary(), st.lists(st.integers()))
HUGE = 10**5000


@given(st.integers() | JUNK)
def test_a_whole_number_is_within_the_bound_of_its_name_or_refused(value):
    fits = type(value) is int and 1 <= value <= MOST["layers"]
    if fits:
        whole_number("layers", value, at_least=1, instead="2")
    else:
        with pytest.raises(SettingError, match=naming("layers", "1", MOST["layers"], "layers=2")):
            whole_number("layers", value, at_least=1, instead="2")


def test_a_number_without_a_bound_of_its_own_has_that_of_an_index():
    whole_number("length", INDEX, at_least=1, instead="50")
    with pytest.raises(SettingError, match=naming("length", INDEX)):
        whole_number("length", INDEX + 1, at_least=1, instead="50")


@given(st.floats() | st.integers() | JUNK)
def test_a_number_is_finite_and_within_its_bounds_or_refused(value):
    fits = type(value) in (int, float) and 0 < value <= 1
    if fits:
        number("rate", value, above=0, at_most=1, instead="0.5")
    else:
        with pytest.raises(SettingError, match=naming("rate", "0", "1", "rate=0.5")):
            number("rate", value, above=0, at_most=1, instead="0.5")


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**400, -(10**400), True, "1", None])
def test_what_nothing_computes_with_is_no_number(value):
    with pytest.raises(SettingError, match=naming("rate", "rate=1")):
        number("rate", value, instead="1")


def test_a_flag_a_word_and_a_function_are_what_they_are():
    flag("on", True)
    choice("form", "a", ("a", "b"))
    function("progress", print)
    for check in (lambda: flag("on", 1), lambda: choice("on", "c", ("a",)), lambda: function("on", 3)):
        with pytest.raises(SettingError, match=naming("on")):
            check()


@given(JUNK | st.integers())
def test_a_value_is_shown_in_a_line_of_some_length(value):
    assert len(shown(value)) < 100
    assert len(shown([value] * 1000)) < 100


def test_a_value_that_cannot_be_shown_is_named_by_its_type():
    assert "int" in shown(HUGE)


@checked
def grow(plant, *, by: int = 1, **others):
    """Return the plant."""
    return plant, by, others


@checked
@dataclass(frozen=True)
class Plant:
    """A plant."""

    height: int
    leaves: int = 3


def test_a_checked_function_and_class_do_what_they_did():
    assert grow("a", by=2, c=3) == ("a", 2, {"c": 3})
    assert Plant(1) == Plant(height=1, leaves=3)
    assert isinstance(Plant(1), Plant)


def test_their_signatures_stay():
    assert str(inspect.signature(grow)) == "(plant, *, by: int = 1, **others)"
    assert str(inspect.signature(Plant)) == "(height: int, leaves: int = 3) -> None"
    assert (grow.__name__, grow.__doc__, Plant.__doc__) == ("grow", "Return the plant.", "A plant.")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Plant(1, colour=2), ["Plant", "colour", "height", "leaves"]),
        (lambda: Plant(), ["Plant", "height"]),
        (lambda: Plant(1, 2, 3), ["Plant"]),
        (lambda: Plant(1, height=2), ["Plant", "height"]),
        (lambda: grow(), ["grow", "plant"]),
        (lambda: grow("a", 2), ["grow", "by"]),
    ],
)
def test_settings_that_there_are_not_are_refused_with_those_that_there_are(call, words):
    with pytest.raises(TaskError, match=naming(*words)):
        call()


def test_an_error_inside_a_checked_function_is_its_own():
    @checked
    def fail():
        raise TypeError("inside")

    with pytest.raises(TypeError, match="inside"):
        fail()
