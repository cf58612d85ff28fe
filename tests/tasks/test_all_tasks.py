"""What holds for every task of the package: each is checked against an oracle that reads only the inputs.

A new task needs an entry in `CASES`, small enough that a guesser is right now and then.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from memoryspan import Budget, Echo, forward, lstm, train, variables_of
from memoryspan.errors import TaskError
from memoryspan.inference.evaluate import correct
from memoryspan.tasks import (
    TASKS,
    Adding,
    Batch,
    Copy,
    Delay,
    Distractors,
    EmbeddedReber,
    Induction,
    LongLag,
    Match,
    Parity,
    Recall,
    SelectiveCopy,
    Task,
    TemporalOrder,
)
from tests.messages import naming
from tests.tasks import reber

ROWS = 12
CHANCE_EXAMPLES = 20_000
KEYS = st.integers(0, 2**32 - 1)

# Oracles: the answers to a row, by the step at which they are due; a row ends where its example does.


def echo(task, row, due):
    return {len(row) - 1: row[task.out_index]}


def copy(task, row, due):
    marker = list(row).index(task.n_symbols + 1)
    return {marker + 1 + i: row[i] for i in range(len(row) - 1 - marker)}


def selective_copy(task, row, due):
    waiting, answers = [symbol for symbol in row if symbol < task.n_features - 2], {}
    for step, symbol in enumerate(row):
        if symbol == task.n_features - 1:
            answers[step] = waiting.pop(0)
    return answers


def adding(task, row, due):
    total = sum(number for number, mark in row if mark == 1)
    return {len(row) - 1: total if task.form == "bai" else 0.5 + total / 4}


def temporal_order(task, row, due):
    order = "".join("XY"[symbol - 4] for symbol in row if symbol in (4, 5))
    orders = {2: ["XX", "XY", "YX", "YY"], 3: ["XXX", "XXY", "XYX", "XYY", "YXX", "YXY", "YYX", "YYY"]}
    return {len(row) - 1: orders[task.n_marks].index(order)}


def recall(task, row, due):
    front = 2 * task.n_pairs
    value_of = {row[i]: row[i + 1] for i in range(0, front, 2)}
    return {step: value_of[row[step]] for step in due}  # a filler may look like a query


def induction(task, row, due):
    return {len(row) - 1: row[list(row).index(task.n_features - 1) + 1]}


def parity(task, row, due):
    odd, answers = False, {}
    for step, bit in enumerate(row):
        odd ^= bit == 1
        answers[step] = int(odd)
    return answers


def delay(task, row, due):
    return {step: row[step - task.delay] for step in range(task.delay, len(row))}


def match(task, row, due):
    return {len(row) - 1: int(row[0] == row[-1])}


def long_lag(task, row, due):
    following = dict(enumerate(row[1:]))
    return {step: row[0] if step == len(row) - 1 else following[step] for step in due}


def distractors(task, row, due):
    return {len(row) - 1: row[1] - (task.n_features - 2)}


def embedded_reber(task, row, due):
    return dict(enumerate([*row[1:-1], row[1], 6]))


# What a model gives that is sure of these answers


def sure(task, answers):
    return jnp.asarray(answers)[..., None] if task.n_outputs == 1 else jax.nn.one_hot(answers, task.n_outputs)


def sure_of_the_grammar(task, answers):
    """In strings as long as the task's: each symbol that may come is as probable as the others."""
    texts, nth = np.unique([reber.text_of(row) for row in np.asarray(answers)], return_inverse=True)
    befores = [[text[: step + 1] for step in range(task.length)] for text in texts]
    chances = [[[symbol in reber.may_come(before) for symbol in reber.SYMBOLS] for before in row] for row in befores]
    return jnp.asarray(chances, jnp.float32)[nth]


@dataclass(frozen=True)
class Case:
    """A small task, and what is known of it.

    Attributes:
        answers: its oracle.
        refused: settings that make no sense, by name.
        guess: the n-th answer of a guesser that does not look.
        gives: what a model puts out that is sure of these answers.
        signs: symbols from this one on are not what is remembered.
    """

    task: Task
    answers: Callable[..., dict]
    refused: dict[str, list]
    guess: Callable[[int], float] = lambda nth: 0
    gives: Callable = sure
    signs: int = 12


NO_NUMBERS = [0, -1, 2.5, float("nan"), float("inf"), True, "3", None]

CASES = {
    "echo": Case(Echo(8, 6, 2), echo, {"length": NO_NUMBERS, "n_features": [*NO_NUMBERS, 1], "out_index": [8, -1]}),
    "copy": Case(
        Copy(9, 4, 2), copy, {"length": [*NO_NUMBERS, 4], "n_symbols": [*NO_NUMBERS, 1], "n_copied": [*NO_NUMBERS, 5]}
    ),
    "selective_copy": Case(
        SelectiveCopy(9, 6, 2),
        selective_copy,
        {"length": [*NO_NUMBERS, 3], "n_features": [*NO_NUMBERS, 3], "n_copied": [*NO_NUMBERS, 5]},
        signs=4,
    ),
    "adding": Case(Adding(9), adding, {"length": [*NO_NUMBERS, 1], "form": ["sum", "", None, 2]}, lambda nth: 1.0),
    "adding 1997": Case(Adding(12, "1997"), adding, {"length": [*NO_NUMBERS, 3]}, lambda nth: 0.5),
    "temporal_order": Case(
        TemporalOrder(12), temporal_order, {"length": [*NO_NUMBERS, 3], "n_marks": [*NO_NUMBERS, 1, 4]}
    ),
    "temporal_order 6b": Case(TemporalOrder(12, 3), temporal_order, {"length": [4]}),
    "recall": Case(
        Recall(12, 12, 2),
        recall,
        {"length": [*NO_NUMBERS, 7], "n_features": [*NO_NUMBERS, 5], "n_pairs": [*NO_NUMBERS, 4, 6]},
        lambda nth: 6 + nth % 6,
    ),
    "induction": Case(
        Induction(9, 5), induction, {"length": [*NO_NUMBERS, 2], "n_features": [*NO_NUMBERS, 2]}, signs=4
    ),
    "parity": Case(Parity(5), parity, {"length": NO_NUMBERS}),
    "delay": Case(
        Delay(7, 4, 3),
        delay,
        {"length": [*NO_NUMBERS, 3], "n_features": [*NO_NUMBERS, 1], "delay": [7, *NO_NUMBERS[1:]]},
    ),
    "match": Case(Match(7, 6), match, {"length": [*NO_NUMBERS, 1], "n_features": [*NO_NUMBERS, 1]}),
    "long_lag": Case(
        LongLag(5, 6),
        long_lag,
        {"length": [*NO_NUMBERS, 1], "n_features": [*NO_NUMBERS, 2], "form": ["2c", "", None, 2]},
        lambda nth: nth,
    ),
    "long_lag longer than its alphabet": Case(LongLag(9, 6), long_lag, {}, lambda nth: (1, 2, 3, 1, 2, 3, 4)[nth]),
    "long_lag 2b": Case(LongLag(9, 6, "2b"), long_lag, {"length": [1]}, lambda nth: 4),
    "distractors": Case(
        Distractors(9, 4), distractors, {"length": [*NO_NUMBERS, 2], "n_distractors": NO_NUMBERS}, signs=8
    ),
    "embedded_reber": Case(
        EmbeddedReber(11),
        embedded_reber,
        {"length": [*NO_NUMBERS, 7]},
        lambda nth: "BTPSXVE".index("TBTSSSXSETE"[nth]),
        gives=sure_of_the_grammar,
    ),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@cache
def sampler(task: Task, rows: int = ROWS) -> Callable[..., Batch]:
    """Compiled once a task; lengths are known only at run time."""
    compiled = jax.jit(lambda key, lengths: task.sample(key, rows, lengths))
    return lambda seed, lengths: jax.device_get(compiled(jax.random.key(seed), jnp.asarray(lengths, jnp.int32)))


def lengths_up_to(task, max_length=None):
    return st.lists(st.integers(task.min_length, max_length or task.length), min_size=ROWS, max_size=ROWS)


def rows_of(task, batch):
    """Each row's inputs within its length, the steps at which answers are due, and its targets by step."""
    for inputs, length, targets, asked in zip(*batch, strict=True):
        due = np.flatnonzero(asked).tolist() if task.return_sequences else [int(length) - 1]
        yield inputs[:length], due, {step: targets[step] if targets.ndim else targets for step in due}


def test_every_task_of_the_package_is_checked_here():
    assert {case.task.name for case in CASES.values()} == set(TASKS)


# Examples


@every_case
@settings(max_examples=40)
@given(data=st.data())
def test_targets_follow_from_the_inputs_within_the_length(case, data):
    lengths = data.draw(lengths_up_to(case.task))
    batch = sampler(case.task)(data.draw(KEYS), lengths)
    assert batch.lengths.tolist() == lengths
    for row, due, targets in rows_of(case.task, batch):
        assert targets == pytest.approx(case.answers(case.task, row, due), abs=1e-6)


@every_case
@settings(max_examples=20)
@given(data=st.data())
def test_answers_are_due_within_the_length_and_at_least_once(case, data):
    batch = sampler(case.task)(data.draw(KEYS), data.draw(lengths_up_to(case.task)))
    for row, due, _ in rows_of(case.task, batch):
        assert due
        assert max(due) < len(row)
    if not case.task.return_sequences:
        assert batch.target_mask.tolist() == [True] * ROWS


@every_case
@settings(max_examples=20)
@given(data=st.data())
def test_inputs_and_targets_are_in_range(case, data):
    task, batch = case.task, sampler(case.task)(data.draw(KEYS), data.draw(lengths_up_to(case.task)))
    if np.issubdtype(batch.inputs.dtype, np.integer):
        assert all(row.min() >= 0 and row.max() < task.n_features for row, _, _ in rows_of(task, batch))
        assert batch.inputs.shape == (ROWS, task.length)
    else:
        assert batch.inputs.shape == (ROWS, task.length, task.n_features)
        assert all((abs(row) <= 1).all() for row, _, _ in rows_of(task, batch))
    if np.issubdtype(batch.targets.dtype, np.integer):
        assert all(0 <= right < task.n_outputs for *_, targets in rows_of(task, batch) for right in targets.values())


@every_case
@settings(max_examples=10)
@given(seed=KEYS, data=st.data())
def test_a_key_gives_its_examples_again_and_another_key_gives_others(case, seed, data):
    sample, lengths = sampler(case.task), data.draw(lengths_up_to(case.task))
    jax.tree.map(np.testing.assert_array_equal, sample(seed, lengths), sample(seed, lengths))
    full = [case.task.length] * ROWS
    assert (sample(seed, full).inputs != sample(seed + 1, full).inputs).any()


@pytest.mark.slow
@every_case
def test_a_length_may_be_a_number_or_one_for_each_row_and_known_at_run_time_or_before(case):
    task, key = case.task, jax.random.key(3)
    plain = jax.jit(lambda key: task.sample(key, ROWS, task.min_length))(key)
    for length in (task.min_length, [task.min_length] * ROWS):
        jax.tree.map(np.testing.assert_array_equal, plain, sampler(task)(3, length))


@every_case
@settings(max_examples=10)
@given(seed=KEYS, data=st.data())
def test_an_example_does_not_depend_on_the_width(case, seed, data):
    lengths = data.draw(lengths_up_to(case.task))
    wide = replace(case.task, length=3 * case.task.length + 2)
    narrow_rows, wide_rows = (rows_of(task, sampler(task)(seed, lengths)) for task in (case.task, wide))
    for (row, due, targets), (wide_row, wide_due, wide_targets) in zip(narrow_rows, wide_rows, strict=True):
        np.testing.assert_array_equal(row, wide_row)
        assert (due, targets) == (wide_due, wide_targets)


@every_case
def test_a_row_does_not_depend_on_the_lengths_of_the_others(case):
    task, others = case.task, np.linspace(case.task.min_length, case.task.length, ROWS).astype(int)
    mixed, alone = sampler(task)(7, others), sampler(task)(7, [task.length] * ROWS)
    np.testing.assert_array_equal(mixed.inputs[-1], alone.inputs[-1])
    np.testing.assert_array_equal(mixed.targets[-1], alone.targets[-1])


# Right and wrong


@pytest.mark.slow
@every_case
def test_chance_is_what_a_guesser_gets_who_does_not_look(case):
    task = case.task
    batch = sampler(task, CHANCE_EXAMPLES)(1, [task.length] * CHANCE_EXAMPLES)
    nth = np.maximum(batch.target_mask.cumsum(-1) - 1, 0) if task.return_sequences else np.zeros(CHANCE_EXAMPLES, int)
    guesses = np.vectorize(case.guess)(nth)
    found = int(correct(task, case.gives(task, guesses), jax.tree.map(jnp.asarray, batch)).sum())
    assert binomtest(found, CHANCE_EXAMPLES, task.chance).pvalue > 1e-3


@every_case
def test_who_knows_the_answers_is_right(case):
    batch = jax.tree.map(jnp.asarray, sampler(case.task)(2, [case.task.length] * ROWS))
    assert correct(case.task, case.gives(case.task, batch.targets), batch).all()


@every_case
def test_the_lag_is_measured_in_examples(case):
    """Another input so many steps before an answer may change that answer."""
    for length in (case.task.min_length, case.task.length):
        batch = sampler(case.task, 256)(4, [length] * 256)
        assert any(
            changes(case, row, due, step, step - case.task.lag(length))
            for row, due, targets in rows_of(case.task, batch)
            for step in targets
        )


def changes(case, row, due, step, at):
    """Whether the answer at `step` is another one where the input `at` is a neighbour of what it is."""
    if at < 0 or (row.ndim == 1 and row[at] >= case.signs):
        return False
    changed = row.copy()
    if row.ndim == 2:
        changed[at, 0] += 0.25
    else:
        changed[at] ^= 1  # 0 and 1, 2 and 3, … : stays among symbols of its kind
    return case.answers(case.task, changed, due)[step] != case.answers(case.task, row, due)[step]


# Settings


@every_case
def test_any_length_from_the_shortest_on_can_be_made_and_is_another_of_the_same_task(case):
    for length in (case.task.min_length, case.task.min_length + 1, case.task.length, 100_000):
        other = replace(case.task, length=length)
        assert other.length == length
        for name in ("min_length", "n_features", "n_outputs", "return_sequences"):
            assert getattr(other, name) == getattr(case.task, name)
        assert 0 <= other.chance < 1
        assert 0 <= other.lag(length) < length


@every_case
def test_settings_that_make_no_sense_are_refused_with_a_sentence(case):
    for name, values in case.refused.items():
        for value in values:
            with pytest.raises(TaskError, match=naming(repr(value)) + rf".*\b({name}|n_features|length)\b"):
                replace(case.task, **{name: value})


@every_case
def test_lengths_that_do_not_fit_into_32_bits_are_refused(case):
    with pytest.raises(TaskError, match=naming("length", 2**31 - 1, 2**31)):
        replace(case.task, length=2**31)


# Models


@every_case
def test_what_stands_past_a_rows_end_is_not_read(case):
    task, model = case.task, lstm(case.task, units=4, seed=0)
    lengths = np.linspace(task.min_length, task.length, ROWS).astype(int)
    batch, served = sampler(task)(5, lengths), forward(model)
    past = np.arange(task.length) >= lengths[:, None]
    spoilt = batch.inputs.copy()
    spoilt[past] = np.nan if spoilt.ndim == 3 else 2**31 - 1
    clean, found = (served.apply(variables_of(model), jnp.asarray(x), batch.lengths) for x in (batch.inputs, spoilt))
    read = ~past if task.return_sequences else slice(None)
    np.testing.assert_array_equal(np.asarray(clean.predictions)[read], np.asarray(found.predictions)[read])


@pytest.mark.parametrize("name", TASKS)
def test_a_model_trains_on_it(name):
    case = CASES[name]
    result = train(lstm(case.task, units=4, seed=0), case.task, seed=0, budget=Budget(examples=640))
    assert result.history[-1].examples >= 640
    assert all(np.isfinite(row.loss) for row in result.history)
    assert result.history[-1].skipped == 0
