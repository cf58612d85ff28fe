import jax
import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from memoryspan.tasks import Match

ROWS = 20_000


@pytest.mark.parametrize("n_features", [2, 5])
def test_a_probe_without_its_sample_tells_nothing(n_features):
    batch = jax.device_get(jax.jit(Match(9, n_features).sample, static_argnums=1)(jax.random.key(0), ROWS, 6))
    assert binomtest(int(batch.targets.sum()), ROWS).pvalue > 1e-3
    both = np.bincount(2 * batch.inputs[:, 5] + batch.targets, minlength=2 * n_features)
    assert chisquare(both).pvalue > 1e-3


def test_a_probe_that_does_not_match_is_any_other_symbol():
    batch = jax.device_get(jax.jit(Match(9, 5).sample, static_argnums=1)(jax.random.key(0), ROWS, 6))
    apart = (batch.inputs[:, 5] - batch.inputs[:, 0]) % 5
    assert (apart[batch.targets == 1] == 0).all()
    assert chisquare(np.bincount(apart[batch.targets == 0], minlength=5)[1:]).pvalue > 1e-3
