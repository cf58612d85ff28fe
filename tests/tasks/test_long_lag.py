import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from memoryspan.tasks import LongLag


def sample(task, rows, length):
    return jax.device_get(jax.jit(task.sample, static_argnums=1)(jax.random.key(0), rows, jnp.int32(length)))


def asked_of(batch, length):
    """The steps that are asked for, the same in every row."""
    assert (batch.target_mask == batch.target_mask[0]).all()
    assert not batch.target_mask[:, length:].any()
    return np.flatnonzero(batch.target_mask[0]).tolist()


def test_at_the_published_length_there_are_the_two_published_sequences_and_every_symbol_is_predicted():
    batch = sample(LongLag(), 50, 100)
    rows = {tuple(map(int, [*row, answer])) for row, answer in zip(batch.inputs, batch.targets[:, -1], strict=True)}
    assert rows == {(99, *range(99), 99), (100, *range(99), 100)}
    np.testing.assert_array_equal(batch.targets[:, :-1], batch.inputs[:, 1:])
    assert batch.target_mask.all()


@pytest.mark.parametrize("length", [2, 3, 10, 99])
def test_a_shorter_one_keeps_the_end_of_the_alphabet_and_does_not_ask_where_in_it_that_begins(length):
    batch = sample(LongLag(), 20, length)
    assert (batch.inputs[:, 1:length] == np.arange(100 - length, 99)).all()
    assert asked_of(batch, length) == [*range(1, length)]


def test_a_longer_one_goes_through_the_alphabet_again_and_does_not_ask_whether_it_does():
    batch = sample(LongLag(12, 6), 20, 11)
    assert (batch.inputs[:, 1:11] == [2, 3, 0, 1, 2, 3, 0, 1, 2, 3]).all()
    assert asked_of(batch, 11) == [1, 3, 4, 5, 7, 8, 9, 10]


@pytest.mark.parametrize("length", [2, 5, 9, 14])
def test_what_is_asked_follows_from_the_first_symbol_and_the_present_one(length):
    """And at the end, where the alphabet's last symbol has come, from the first alone."""
    batch = sample(LongLag(14, 6), 200, length)
    last = np.arange(14) == length - 1
    pairs = {(int(now), int(following)) for now, following in _pairs(batch, ~last)}
    assert len(pairs) == len({now for now, _ in pairs})
    np.testing.assert_array_equal(batch.targets[:, length - 1], batch.inputs[:, 0])


def _pairs(batch, where):
    asked = batch.target_mask & where
    return zip(batch.inputs[asked], batch.targets[asked], strict=True)


@pytest.mark.parametrize("form", ["2a", "2b"])
def test_both_first_symbols_come_equally_often(form):
    first = sample(LongLag(6, 6, form), 20_000, 6).inputs[:, 0]
    assert set(first.tolist()) == {4, 5}
    assert binomtest(int((first == 4).sum()), 20_000, 0.5).pvalue > 1e-3


def test_2b_draws_what_stands_between_and_asks_for_the_last_answer_alone():
    batch = sample(LongLag(20, 6, "2b"), 5000, 15)
    assert chisquare(np.bincount(batch.inputs[:, 1:15].ravel(), minlength=4)).pvalue > 1e-3
    assert asked_of(batch, 15) == [14]
    np.testing.assert_array_equal(batch.targets[:, 14], batch.inputs[:, 0])
