import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from memoryspan import Echo
from memoryspan.errors import TaskError
from tests.messages import naming

few = settings(max_examples=25)  # each draws a shape, and each shape compiles
KEYS = st.integers(0, 2**32 - 1)


@st.composite
def echoes(draw):
    length = draw(st.integers(1, 12))
    return Echo(length, draw(st.integers(2, 9)), draw(st.integers(0, length - 1)))


def sample(task, seed=0, batch_size=8, length=None):
    return jax.device_get(task.sample(jax.random.key(seed), batch_size, task.length if length is None else length))


# Examples


@few
@given(echoes(), KEYS)
def test_the_answer_is_the_symbol_at_out_index(task, seed):
    batch = sample(task, seed)
    expected = [list(row)[task.out_index] for row in batch.inputs]
    assert batch.targets.tolist() == expected
    assert batch.target_mask.tolist() == [True] * 8


@few
@given(echoes(), KEYS)
def test_symbols_are_whole_numbers_in_range(task, seed):
    tokens = sample(task, seed).inputs
    assert tokens.shape == (8, task.length)
    assert np.issubdtype(tokens.dtype, np.integer)
    assert ((tokens >= 0) & (tokens < task.n_features)).all()


@given(st.integers(3, 50))
def test_every_row_has_the_length_asked_for(length):
    assert sample(Echo(), length=length).lengths.tolist() == [length] * 8


@given(st.lists(st.integers(3, 50), min_size=8, max_size=8))
def test_each_row_may_have_a_length_of_its_own(lengths):
    assert sample(Echo(), length=jnp.array(lengths)).lengths.tolist() == lengths


def test_lengths_may_be_known_only_at_run_time():
    task = Echo(8, 5, 2)
    compiled = jax.jit(lambda key, length: task.sample(key, 8, length))
    for length in (jnp.int32(5), jnp.arange(8)):
        traced, plain = compiled(jax.random.key(3), length), task.sample(jax.random.key(3), 8, length)
        jax.tree.map(np.testing.assert_array_equal, traced, plain)


@given(KEYS)
def test_the_same_key_gives_the_same_examples_and_another_key_others(seed):
    first, again, other = (sample(Echo(), one) for one in (seed, seed, seed + 1))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert (first.inputs != other.inputs).any()


def test_symbols_are_uniform_at_every_position():
    tokens = sample(Echo(6, 5, 0), batch_size=20_000).inputs
    assert all(chisquare(np.bincount(column, minlength=5)).pvalue > 1e-4 for column in tokens.T)


def test_symbols_do_not_depend_on_each_other():
    before, after = sample(Echo(2, 4, 0), batch_size=20_000).inputs.T
    assert chisquare(np.bincount(4 * before + after, minlength=16)).pvalue > 1e-4


# Right and wrong


def test_the_most_probable_symbol_counts():
    predictions = jnp.array([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]])
    assert Echo(3, 3).correct(predictions, jnp.array([1, 2])).tolist() == [True, False]


@few
@given(st.integers(2, 40))
def test_chance_is_what_a_constant_guesser_gets(n_features):
    task = Echo(3, n_features)
    targets = sample(task, batch_size=20_000).targets
    assert np.mean(targets == 0) == pytest.approx(task.chance, abs=4 * np.sqrt(task.chance / 20_000))


@given(echoes())
def test_the_shortest_example_ends_with_its_answer(task):
    assert task.min_length <= task.length
    assert task.lag(task.min_length) == 0
    assert task.lag(task.length) == len(range(task.out_index, task.length)) - 1


def test_a_task_says_what_fits_it():
    task = Echo()
    assert (task.length, task.n_features, task.out_index) == (50, 100, 2)
    assert (task.n_outputs, task.return_sequences, task.loss, task.activation) == (
        100,
        False,
        "categorical_crossentropy",
        "softmax",
    )


# Settings


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"length": 0}, [1, 2147483647]),
        ({"length": 2.5}, [1, 2147483647]),
        ({"length": True}, [1, 2147483647]),
        ({"length": "50"}, [1, 2147483647]),
        ({"length": 2**31}, [1, 2147483647]),
        ({"n_features": 1}, [2]),
        ({"out_index": -1}, [0, 49, "length=50"]),
        ({"out_index": 50}, [0, 49, "length=50", "out_index=49"]),
        ({"length": 2}, ["out_index", 0, 1, "length=2"]),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_what_is_allowed(settings, allowed):
    ((name, value),) = settings.items()
    with pytest.raises(TaskError, match=naming(name, repr(value), *allowed)):
        Echo(**settings)


def test_numpys_whole_numbers_are_whole_numbers():
    assert Echo(np.int64(5)) == Echo(5)  # pyright: ignore[reportArgumentType]
