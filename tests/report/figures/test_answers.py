from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan import Echo
from memoryspan.report.figures.answers import Expectation, draw_answers, expectation_of, with_room
from memoryspan.report.figures.style import new_figure
from memoryspan.tasks import Adding, Batch, Copy

SURE = np.eye(4)[[0, 1, 2, 3, 0, 1]]
"""The outputs of a model that answers 0, 1, 2, 3, 0, 1."""


class Drawn(NamedTuple):
    """What stands in a panel."""

    names: list[str]
    """Above it, each at its step, and what they are at the left."""
    legend: list[str]
    marks: dict[str, int]
    """How often each form stands there."""
    lines: int


def drawn(outputs, return_sequences, expectation, inches=0.2, of_classes=True) -> Drawn:
    axes = new_figure(8, 2).add_subplot()
    draw_answers(axes, outputs, inches, return_sequences, expectation, of_classes)
    marks = {str(line.get_marker()): np.size(line.get_xdata()) for line in axes.lines}
    return Drawn([text.get_text() for text in axes.texts], axes.get_legend_handles_labels()[1], marks, len(axes.lines))


def an_expectation(steps, asked, expected, right):
    where = np.isin(np.arange(steps), asked)
    return Expectation(where, np.full(steps, expected), np.isin(np.arange(steps), right))


def test_a_task_that_asks_once_asks_at_the_last_step():
    batch = Batch(jnp.array([[3, 1, 2]]), jnp.array([3]), jnp.array([1]), jnp.array([True]))
    asked, expected, right = expectation_of(Echo(length=3, n_features=4, out_index=1), batch, np.eye(4)[1])
    assert (asked.tolist(), expected[-1], right[-1]) == ([False, False, True], 1, True)


def test_a_number_is_right_where_its_task_says_so():
    batch = Batch(jnp.zeros((1, 4, 2)), jnp.array([4]), jnp.array([1.0]), jnp.array([True]))
    expectation = [expectation_of(Adding(length=4), batch, np.array([answer])) for answer in (1.01, 1.1)]
    assert [bool(one.correct[-1]) for one in expectation] == [True, False]


def test_a_task_that_asks_at_several_steps_is_judged_at_each():
    task = Copy(length=5, n_symbols=2, n_copied=2)
    asked, targets = jnp.array([[False] * 3 + [True] * 2]), jnp.array([[0, 0, 0, 1, 0]])
    batch = Batch(jnp.array([[1, 0, 3, 2, 2]]), jnp.array([5]), targets, asked)
    expectation = expectation_of(task, batch, np.eye(2)[[0, 0, 0, 1, 1]])
    assert expectation.steps.tolist() == [3, 4]
    assert expectation.correct[3:].tolist() == [True, False]


def test_at_every_asked_step_right_and_wrong_answers_have_a_form_each():
    panel = drawn(SURE, True, an_expectation(6, asked=[2, 3, 5], expected=2, right=[2]))
    assert (panel.marks["o"], panel.marks["x"]) == (1, 2)
    assert {"right, 1", "wrong, 2", "asked"} <= set(panel.legend)
    assert sorted(panel.names) == sorted(["answer", "2", "3", "1", "expected", "2", "2", "2"])


def test_without_a_question_every_answer_is_named_and_none_is_judged():
    panel = drawn(SURE, True, None)
    assert panel.names == ["0", "1", "2", "3", "0", "1", "answer"]
    assert panel.legend == ["of the answer"]
    assert not {"o", "x"} & set(panel.marks)


def test_a_wrong_final_answer_stands_beside_the_expected_one():
    panel = drawn(SURE, False, an_expectation(6, asked=[5], expected=3, right=[]))
    assert panel.legend == ["most probable", "expected, 3", "final answer, 1", "wrong", "asked"]
    assert panel.marks["x"] == 1
    panel = drawn(SURE, False, an_expectation(6, asked=[5], expected=1, right=[5]))
    assert panel.legend == ["most probable", "final answer, 1", "right", "asked"]


def test_numbers_have_their_expected_ones_beside_them():
    panel = drawn(np.linspace(0, 1, 6)[:, np.newaxis], False, an_expectation(6, [5], 0.5, []))
    assert panel.legend == ["answer", "expected", "wrong", "asked"]
    assert (panel.marks["D"], panel.marks["x"]) == (1, 1)


@pytest.mark.parametrize("return_sequences", [False, True])
def test_a_vector_of_numbers_has_a_line_for_each_and_no_name(return_sequences):
    where = np.arange(6) == 5
    expectation = Expectation(where, np.full((6, 3), 0.5), where)
    panel = drawn(np.linspace(0, 1, 18).reshape(6, 3), return_sequences, expectation, of_classes=False)
    assert panel.names == []
    assert panel.legend == ["answer, 3 numbers", "expected", "right", "asked"]
    assert panel.lines == 3 + 3 + 1


def test_a_vector_of_numbers_is_one_answer():
    class Both(Adding):
        def correct(self, predictions, targets):
            return (abs(predictions - targets) < self.tolerance).all(-1)

    batch = Batch(jnp.zeros((1, 4, 2)), jnp.array([4]), jnp.array([[1.0, 2.0]]), jnp.array([True]))
    expectation = expectation_of(Both(4), batch, np.array([1.01, 2.01]))
    assert (expectation.expected.shape, expectation.correct.all()) == ((4, 2), True)
    assert not expectation_of(Both(4), batch, np.array([1.01, 2.1])).correct.any()


def test_where_there_is_little_room_the_wrong_answers_are_named_first():
    expectation = an_expectation(6, range(6), 9, right=[0, 1, 2, 4, 5])
    assert drawn(SURE, True, expectation, inches=0.01).names == ["3", "answer", "9", "expected"]


def test_no_two_names_stand_closer_than_they_are_wide():
    assert with_room(range(10), np.arange(10), inches=0.05) == [0, 3, 6, 9]
    assert with_room([4, 3, 0], np.arange(10), inches=0.05) == [4, 0]
