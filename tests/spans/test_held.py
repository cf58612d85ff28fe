# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan import Accuracy, Echo, evaluate, held_span, lstm, train
from memoryspan.backend import keras
from memoryspan.errors import InsufficientMemoryError, ModelError, TaskError
from memoryspan.spans.held import BISECT_TOLERANCE, EXAMPLES, REQUIRED_CORRECT, THRESHOLD, Held, bisect, search_span
from memoryspan.spans.trial import Span
from memoryspan.stats import wilson
from tests.messages import names, naming

TASK = Echo(8, 6, 2)


def remembers(limit):
    """The accuracy, by length, of a model that knows up to a limit and guesses beyond it."""
    return lambda length, enough: Accuracy(EXAMPLES if length <= limit else 167, EXAMPLES, length, 1 / 6)


def test_enough_is_the_least_that_proves_the_threshold():
    assert wilson(REQUIRED_CORRECT, EXAMPLES)[0] >= THRESHOLD > wilson(REQUIRED_CORRECT - 1, EXAMPLES)[0]
    assert REQUIRED_CORRECT == 964


@given(limit=st.integers(3, 40_000), max_length=st.integers(3, 40_000))
def test_the_span_is_found_as_finely_as_it_says(limit, max_length):
    found = search_span(remembers(limit), TASK, max_length, 3).span
    if limit >= max_length:
        assert (found.length, found.at_least) == (max_length, True)
    else:
        assert found.length is not None
        assert found.length <= limit < found.length + max(1, found.length // BISECT_TOLERANCE) + 1
        assert not found.at_least
    assert found.lag == found.length - 3


def test_a_model_that_knows_nothing_has_no_span():
    found = search_span(remembers(0), TASK, 1000, 3)
    assert (found.span.length, found.span.lag, found.span.at_least) == (None, None, False)
    assert [accuracy.length for accuracy in found.curve] == [3, 4, 8]


def test_the_curve_has_every_length_that_was_looked_at_and_ends_soon_after_the_span():
    found = search_span(remembers(100), TASK, 100_000, 3)
    lengths = [accuracy.length for accuracy in found.curve]
    assert lengths == sorted(set(lengths))
    assert {3, 4, 8, 16, 32, 64, 128, 256} <= set(lengths)
    assert max(lengths) == 256


def test_the_curve_is_counted_in_full_and_only_bisecting_stops_early():
    asked = {}

    def measure(length, enough):
        asked[length] = enough
        return remembers(100)(length, enough)

    search_span(measure, TASK, 1000, 3)
    assert {asked[length] for length in (3, 4, 8, 16, 32, 64, 128, 256)} == {0}
    assert {enough for length, enough in asked.items() if 64 < length < 128} == {REQUIRED_CORRECT}


def test_a_model_of_a_fixed_length_is_looked_at_up_to_that():
    layers = [keras.Input((20, 6)), keras.layers.LSTM(3), keras.layers.Dense(6, "softmax")]
    found = held_span(keras.Sequential(layers), Echo(20, 6, 2))
    assert max(accuracy.length for accuracy in found.curve) == 20


def test_no_length_is_measured_twice():
    asked = []
    search_span(lambda length, enough: asked.append(length) or remembers(100)(length, enough), TASK, 1000, 3)
    assert len(asked) == len(set(asked))


def test_a_model_that_fails_short_sequences_and_holds_the_trained_length_has_the_long_span():
    def odd(length, enough):
        return remembers(100)(length, enough) if length >= 10 else Accuracy(0, EXAMPLES, length, 1 / 6)

    assert search_span(odd, TASK, 64, 16).span.length == 64


def test_where_the_memory_of_the_machine_ends_the_span_is_at_least_that():
    def measure(length, enough):
        if length > 512:
            raise InsufficientMemoryError("too long")
        return remembers(math.inf)(length, enough)

    found = search_span(measure, TASK, 100_000, 3).span
    assert (found.length, found.at_least) == (512, True)


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(1, 10_000))
def test_bisecting_stays_between_its_ends(one, two, limit):
    best, worst = sorted((one, one + two))
    found = bisect(lambda length: length <= limit, best, worst)
    assert best <= found < worst


@pytest.fixture(scope="module")
def model():
    model = lstm(TASK, units=16, seed=0)
    assert train(model, TASK, seed=0).solved
    return model


def test_a_trained_model_holds_what_it_was_trained_on(model):
    measured = []
    found = held_span(model, TASK, max_length=64, on_accuracy=measured.append)
    assert found.span.length >= TASK.length
    assert {accuracy.length for accuracy in measured} == {accuracy.length for accuracy in found.curve}
    at_8 = next(accuracy for accuracy in found.curve if accuracy.length == 8)
    assert at_8 == evaluate(model, TASK)


def test_asking_changes_nothing_of_the_model(model):
    before = [np.asarray(variable.value) for variable in model.variables]
    held_span(model, TASK, max_length=16)
    for one, other in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(one, other.value)


def test_what_makes_no_sense_is_refused(model):
    with pytest.raises(TaskError, match=naming("echo", 3, 2)):
        held_span(model, TASK, max_length=2)
    with pytest.raises(ModelError, match=naming(6, "echo", 7)):
        held_span(model, Echo(8, 7, 2))


def test_a_span_reads_as_steps_and_lag():
    assert names(str(Span(1024, 1021, False)), "1,024", "1,021")
    assert names(str(Span(6, 3, True)), 6, 3)
    assert str(Span(6, 3, True)) != str(Span(6, 3, False)) != str(Span(None, None, False))


def test_in_a_notebook_it_is_the_span_and_a_row_for_each_length():
    held = Held(Span(8, 5, False), (Accuracy(1000, 1000, 8, 0.1), Accuracy(400, 1000, 16, 0.1)))
    shown = held._repr_html_()
    assert names(shown, str(held.span))
    assert shown.count("<tr>") == 3
