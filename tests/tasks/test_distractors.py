import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import binomtest, chisquare

from memoryspan.tasks import Distractors


def sample(task, rows, length):
    return jax.device_get(jax.jit(task.sample, static_argnums=1)(jax.random.key(0), rows, jnp.int32(length)))


def test_distractors_stand_between_the_symbol_to_tell_and_the_end():
    inputs = sample(Distractors(12, 10), 2000, 9).inputs[:, :9]
    assert (inputs[:, 0] == 11).all()
    assert set(inputs[:, 1].tolist()) == {12, 13}
    assert (inputs[:, -1] == 10).all()
    assert chisquare(np.bincount(inputs[:, 2:-1].ravel(), minlength=10)).pvalue > 1e-3


def test_the_shortest_has_no_distractor():
    inputs = sample(Distractors(12, 10), 20, 3).inputs[:, :3]
    assert {tuple(row) for row in inputs.tolist()} == {(11, 12, 10), (11, 13, 10)}


def test_both_symbols_come_equally_often():
    batch = sample(Distractors(6, 2), 20_000, 6)
    np.testing.assert_array_equal(batch.targets, batch.inputs[:, 1] - 4)
    assert binomtest(int(batch.targets.sum()), 20_000, 0.5).pvalue > 1e-3


def test_there_are_four_symbols_beside_the_distractors():
    assert [Distractors(n_distractors=n).n_features for n in (1, 50, 1000)] == [5, 54, 1004]
