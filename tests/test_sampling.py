import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from memoryspan.sampling import distinct, integers, row_lengths

compiled_distinct = jax.jit(distinct, static_argnums=(1, 2))


@given(seed=st.integers(0, 2**31), low=st.integers(-5, 5), span=st.integers(1, 1000))
def test_integers_stay_in_their_range_and_follow_from_the_key(seed, low, span):
    key = jax.random.key(seed)
    drawn = np.asarray(integers(key, (50,), low, low + span))
    assert drawn.min() >= low
    assert drawn.max() < low + span
    np.testing.assert_array_equal(drawn, jax.jit(integers, static_argnums=1)(key, (50,), low, low + span))


def test_integers_are_uniform():
    counts = np.bincount(np.asarray(integers(jax.random.key(0), (100_000,), 0, 100)))
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("count", [1, 2, 7])
@given(seed=st.integers(0, 2**31), spare=st.integers(0, 50))
def test_distinct_numbers_are_in_range_and_follow_from_the_key(count, seed, spare):
    key, below = jax.random.key(seed), jnp.array([count, count + spare, 10**9])
    drawn = np.asarray(compiled_distinct(key, 3, count, below))
    assert all(len(set(row)) == count for row in drawn.tolist())
    assert (drawn >= 0).all()
    assert (drawn < np.asarray(below)[:, None]).all()
    np.testing.assert_array_equal(drawn[0], compiled_distinct(key, 3, count, count)[0])


def test_every_choice_of_distinct_numbers_in_every_order_is_equally_likely():
    drawn = np.asarray(distinct(jax.random.key(0), 60_000, 3, 5))
    counts = np.bincount(drawn @ [25, 5, 1], minlength=125)
    assert (counts > 0).sum() == 5 * 4 * 3
    assert stats.chisquare(counts[counts > 0]).pvalue > 0.01


def test_a_length_may_be_given_for_all_rows_or_for_each():
    assert row_lengths(5, 3).tolist() == [5, 5, 5]
    assert row_lengths(jnp.int32(5), 2).tolist() == [5, 5]
    assert row_lengths(jnp.array([4, 5]), 2).tolist() == [4, 5]
