import jax
import numpy as np
from scipy.stats import chisquare

from memoryspan.tasks import Induction


def test_the_special_token_stands_anywhere_but_in_the_two_steps_before_its_return_equally_often():
    inputs = np.asarray(jax.jit(Induction(12, 6).sample, static_argnums=1)(jax.random.key(0), 20_000, 9).inputs)[:, :9]
    special = inputs == 5
    assert (special.sum(1) == 2).all()
    assert special[:, -1].all()
    assert chisquare(special[:, :7].sum(0)).pvalue > 1e-3
    assert not special[:, 7].any()


def test_every_ordinary_token_is_the_answer_equally_often():
    targets = np.asarray(jax.jit(Induction(9, 6).sample, static_argnums=1)(jax.random.key(0), 20_000, 9).targets)
    assert chisquare(np.bincount(targets, minlength=5)).pvalue > 1e-3
    assert Induction(9, 6).chance == 1 / 5
