from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from memoryspan.backend import keras
from memoryspan.layers.initializers import chrono, glorot_uniform, orthogonal

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 12))


@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1))
def test_orthogonal_has_orthonormal_rows_or_columns(shape, seed):
    matrix = orthogonal(np.random.default_rng(seed), shape)
    small = matrix @ matrix.T if shape[0] <= shape[1] else matrix.T @ matrix
    assert matrix.shape == shape
    np.testing.assert_allclose(small, np.eye(min(shape)), atol=1e-5)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(glorot_uniform, keras.initializers.GlorotUniform(seed=0)), (orthogonal, keras.initializers.Orthogonal(seed=0))],
)
def test_weights_have_the_distribution_of_keras_default_initializers(ours, theirs):
    shape = (60, 80)
    drawn = ours(np.random.default_rng(0), shape)
    assert drawn.dtype == np.float32
    comparison: Any = stats.ks_2samp(drawn.ravel(), np.asarray(theirs(shape)).ravel())
    assert comparison.pvalue > 0.01


@given(t_max=st.integers(3, 10**7), units=st.integers(1, 50), seed=st.integers(0, 2**32 - 1))
def test_a_chrono_gate_keeps_at_least_a_half_and_for_no_longer_than_asked(t_max, units, seed):
    bias = chrono(np.random.default_rng(seed), t_max, units)
    assert (bias.shape, bias.dtype) == ((units,), np.float32)
    assert bias.min() >= 0
    assert bias.max() <= np.float32(np.log(t_max - 1))


@pytest.mark.parametrize("t_max", [3, 50, 2_000])
def test_the_steps_that_chrono_gates_keep_for_are_uniform(t_max):
    bias = chrono(np.random.default_rng(0), t_max, 4_000).astype(np.float64)
    steps = 1 + np.exp(bias)  # T, where the gate's sigmoid is 1 - 1/T
    comparison: Any = stats.kstest(steps, stats.uniform(2, t_max - 2).cdf)
    assert comparison.pvalue > 0.01
