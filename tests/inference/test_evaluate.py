# pyright: reportArgumentType=false, reportOptionalMemberAccess=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from memoryspan import Accuracy, Echo, evaluate
from memoryspan.backend import keras
from memoryspan.engine import forward, variables_of
from memoryspan.errors import InsufficientMemoryError, ModelError, TaskError
from memoryspan.inference.evaluate import check_compatible, correct, make_accuracy_fn
from memoryspan.sampling import stream
from memoryspan.stats import percent, wilson
from memoryspan.tasks import Batch, Copy
from memoryspan.tasks.base import at_length
from tests.messages import naming

LAYERS = keras.layers
TASK = Echo(6, 5, 2)


@st.composite
def counts(draw):
    examples = draw(st.integers(1, 5000))
    return draw(st.integers(0, examples)), examples


def knowing_model(task):
    """A shift register: it holds the last symbols, and answers with the one that lies `lag` steps back."""
    held, n = task.lag(task.length) + 1, task.n_features
    memory = LAYERS.SimpleRNN(held * n, activation=None, use_bias=False)
    answer = LAYERS.Dense(n, use_bias=False)
    model = keras.Sequential([keras.Input((None, n)), memory, answer])
    memory.set_weights([np.eye(n, held * n), np.eye(held * n, k=n)])
    answer.set_weights([np.eye(held * n, n, k=n - held * n)])
    return model


def constant_guesser(task, symbol=0):
    answer = LAYERS.Dense(task.n_features, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((None, task.n_features)), LAYERS.GRU(2), answer])
    answer.bias.assign(np.eye(task.n_features)[symbol])
    return model


@pytest.fixture(scope="module")
def guesser():
    return constant_guesser(TASK)


# The interval


@given(counts())
def test_the_interval_is_wilsons(count):
    theirs = binomtest(*count).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(wilson(*count), (theirs.low, theirs.high), rtol=1e-5, atol=1e-9)


@given(counts())
def test_the_interval_contains_what_was_found_and_lies_between_0_and_1(count):
    low, high = wilson(*count)
    assert 0 <= low <= count[0] / count[1] <= high <= 1


@given(counts())
def test_one_more_right_answer_moves_both_ends_up(count):
    found, examples = count
    if found < examples:
        assert all(np.less(wilson(found, examples), wilson(found + 1, examples)))


@given(counts())
def test_more_examples_with_the_same_outcome_make_it_narrower(count):
    found, examples = count
    (low, high), (lower, higher) = wilson(10 * found, 10 * examples), wilson(found, examples)
    assert lower <= low
    assert high <= higher


def test_nothing_right_does_not_prove_that_nothing_can_be():
    assert wilson(0, 100)[0] == 0
    assert wilson(0, 100)[1] > 0.03
    assert wilson(1000, 1000)[1] == 1
    assert wilson(1000, 1000)[0] == pytest.approx(0.9962, abs=1e-4)


# What is printed


@given(st.floats(0, 1))
def test_all_is_written_for_all_and_for_nothing_less(share):
    assert (percent(share) == "100.0 %") == (share == 1)
    assert float(percent(share).removesuffix(" %")) == pytest.approx(100 * share, abs=0.051)


def test_an_accuracy_reads_as_a_sentence():
    assert str(Accuracy(997, 1000, 50, 0.01)) == (
        "99.7 % (997 of 1000 fresh examples, 95 % interval 99.1 % to 99.9 %, chance 1.0 %)"
    )


# Counting


@pytest.mark.parametrize("examples", [1, 250, 251, 600])
def test_a_model_that_knows_is_right_on_every_example_asked_for(examples):
    accuracy = evaluate(knowing_model(TASK), TASK, examples=examples)
    assert (accuracy.n_correct, accuracy.examples, accuracy.length) == (examples, examples, TASK.length)


def test_a_model_that_knows_one_length_only_knows_no_other():
    task = at_length(TASK, 9)
    assert task == Echo(9, 5, 2)
    assert evaluate(knowing_model(TASK), task, examples=500).value < 0.4


def test_a_constant_guesser_is_right_by_chance(guesser):
    accuracy = evaluate(guesser, TASK, examples=2000)
    assert accuracy.chance == 0.2
    assert accuracy.interval[0] < 0.2 < accuracy.interval[1]


def test_the_same_seed_asks_the_same_examples_and_another_seed_others(guesser):
    found = [evaluate(guesser, TASK, examples=1000, seed=seed).n_correct for seed in (1, 1, 2, 3)]
    assert found[0] == found[1]
    assert len(set(found)) > 1


def test_evaluation_asks_none_of_the_examples_of_training():
    assert (jax.random.key_data(stream(0, 0)) != jax.random.key_data(stream(0, 1))).any()


def test_it_stops_counting_once_enough_is_out_of_reach(guesser):
    count = make_accuracy_fn(forward(guesser), TASK)
    key = stream(0, 1)
    assert count(variables_of(guesser), key, 1000, TASK.length, 999).examples == 250
    assert count(variables_of(guesser), key, 1000, TASK.length, 1).examples == 1000


def test_other_lengths_are_measured_by_the_same_program(guesser):
    task = at_length(TASK, 40)
    count, key = make_accuracy_fn(forward(guesser), task), stream(0, 1)
    found = [count(variables_of(guesser), key, 500, length) for length in (20, 33, 40)]
    assert [accuracy.length for accuracy in found] == [20, 33, 40]
    assert found[-1] == make_accuracy_fn(forward(guesser), task)(variables_of(guesser), key, 500, 40)


def test_an_example_is_right_when_every_answer_that_was_asked_for_is():
    asked = jnp.array([[True, True, False], [True, True, False], [False, False, False]])
    batch = Batch(jnp.zeros((3, 3), int), jnp.full(3, 3), jnp.array([[0, 1, 2], [0, 2, 2], [3, 3, 3]]), asked)
    predictions = jnp.eye(5)[jnp.array([[0, 1, 0], [0, 1, 2], [0, 0, 0]])]
    assert correct(TASK, predictions, batch).tolist() == [True, False, True]


@pytest.mark.parametrize("examples", [0, -5, 2.5, True, "many"])
def test_a_number_of_examples_that_makes_no_sense_is_refused(examples, guesser):
    with pytest.raises(TaskError, match=naming("examples", 1, repr(examples))):
        evaluate(guesser, TASK, examples=examples)


# What does not fit


class OwnModel(keras.Model):
    """Without `compute_output_shape`."""

    def __init__(self):
        super().__init__()
        self.memory = LAYERS.LSTM(5)

    def call(self, x):
        return self.memory(x)


def model_of(*layers, steps=None, features=5):
    return keras.Sequential([keras.Input((steps, features)), *layers])


MISFITS = [
    (lambda: model_of(LAYERS.LSTM(5), features=4), [4, 5, "echo", "n_features=4"]),
    (lambda: model_of(LAYERS.LSTM(5), steps=5), [5, 6, "Input((None, 5))"]),
    (lambda: model_of(LAYERS.LSTM(4)), ["('batch', 4)", "(batch, 5)", "echo", 5]),
    (lambda: model_of(LAYERS.LSTM(5, return_sequences=True)), ["('batch', None, 5)", "return_sequences=False"]),
    (OwnModel, ["(batch, time, features)"]),
]


@pytest.mark.parametrize(("build", "words"), MISFITS)
def test_a_model_that_does_not_fit_is_refused_with_the_sizes_of_both(build, words):
    with pytest.raises(ModelError, match=naming(*words)):
        evaluate(build(), TASK)


def test_a_task_without_the_setting_is_not_told_to_be_given_it():
    with pytest.raises(ModelError, match=naming(5, "copy", 10)) as refused:
        evaluate(model_of(LAYERS.LSTM(5)), Copy(length=21))
    assert "n_features=" not in str(refused.value)


@pytest.mark.parametrize("steps", [None, 6, 50])
def test_a_model_for_any_length_or_a_greater_one_fits(steps):
    check_compatible(model_of(LAYERS.LSTM(5), steps=steps), TASK)


def test_a_class_of_its_own_fits_once_it_was_called():
    model = OwnModel()
    model(np.zeros((2, 6, 5), "float32"))
    assert 0 <= evaluate(model, TASK, examples=50).value <= 1


def test_a_model_that_reads_tokens_fits():
    check_compatible(keras.Sequential([keras.Input((None,)), LAYERS.Embedding(5, 3), LAYERS.GRU(5)]), TASK)


def test_in_a_notebook_an_accuracy_is_a_row_with_its_interval_and_chance():
    shown = Accuracy(n_correct=998, examples=1000, length=50, chance=0.01)._repr_html_()
    for cell in ("50", "99.8 %", "998 of 1,000", "99.3 % to 99.9 %", "1.0 %"):
        assert f">{cell}</t" in shown


def test_a_batch_that_does_not_fit_into_memory_is_halved_until_it_does(guesser, monkeypatch):
    count, key = make_accuracy_fn(forward(guesser), TASK), stream(0, 1)
    monkeypatch.setattr("memoryspan.machine.temporary", lambda program: 1000)
    monkeypatch.setattr("memoryspan.machine.memory", lambda: 250 * 6 * 64)
    assert count(variables_of(guesser), key, 1000, 6).examples == 1000
    monkeypatch.setattr("memoryspan.machine.temporary", lambda program: 2**40)
    with pytest.raises(InsufficientMemoryError, match=naming(6, "1,024 GiB")):
        make_accuracy_fn(forward(guesser), TASK)(variables_of(guesser), key, 1000, 6)
