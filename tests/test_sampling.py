import jax
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from memoryspan.sampling import integers


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
