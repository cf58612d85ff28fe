from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from memoryspan.backend import keras
from memoryspan.models.initial import glorot_uniform, orthogonal

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
