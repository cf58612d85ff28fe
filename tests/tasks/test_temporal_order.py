from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare

from memoryspan.tasks import TemporalOrder
from memoryspan.tasks.temporal_order import _bounds

FORMS = {2: [(10, 20), (50, 60)], 3: [(10, 20), (33, 43), (66, 76)]}


@cache
def compiled(task):
    return jax.jit(task.sample, static_argnums=1)


def sample(task, rows, length):
    return compiled(task)(jax.random.key(0), rows, length)


def marks_of(task, length, rows=3000):
    """The places of the marks, (rows, marks)."""
    inputs = np.asarray(sample(task, rows, length).inputs)[:, :length]
    assert (inputs[:, 0] == 6).all()
    assert (inputs[:, -1] == 7).all()
    rows_, places = np.nonzero((inputs == 4) | (inputs == 5))
    assert (np.bincount(rows_) == task.n_marks).all()
    return places.reshape(rows, task.n_marks)


@pytest.mark.parametrize("n_marks", FORMS)
@pytest.mark.parametrize("length", [100, 105, 110])
def test_marks_stand_where_they_were_published(n_marks, length):
    for (first, last), places in zip(FORMS[n_marks], marks_of(TemporalOrder(120, n_marks), length).T, strict=True):
        counts = np.bincount(places, minlength=last + 1)
        assert counts[:first].sum() == 0
        assert len(counts) == last + 1
        assert chisquare(counts[first:]).pvalue > 1e-3


@pytest.mark.parametrize("n_marks", FORMS)
def test_at_another_length_places_keep_their_proportions(n_marks):
    for length, scale in ((50, 1 / 2), (220, 2), (1100, 10)):
        places = marks_of(TemporalOrder(1100, n_marks), length)
        for (first, last), column in zip(FORMS[n_marks], places.T, strict=True):
            assert (column.min(), column.max()) == (int(first * scale), int(last * scale))


@pytest.mark.parametrize("n_marks", FORMS)
def test_marks_are_apart_and_in_order_between_the_beginning_and_the_end(n_marks):
    lengths = np.array([*range(n_marks + 2, 1000), 10**9, 2**31 - 1])
    first, last = map(np.asarray, _bounds(jnp.asarray(lengths, jnp.int32), n_marks))
    assert (first <= last).all()
    assert (last[:-1] < first[1:]).all()
    assert (first[0] >= 1).all()
    assert (last[-1] <= lengths - 2).all()


def test_the_lag_reaches_back_to_the_first_place_of_the_first_mark():
    for task in (TemporalOrder(400, 2), TemporalOrder(400, 3)):
        for length in (5, 14, 50, 100, 110, 111, 223, 400):
            assert task.lag(length) == length - 1 - marks_of(task, length)[:, 0].min()


@pytest.mark.parametrize("n_marks", FORMS)
def test_orders_are_equally_likely(n_marks):
    targets = np.asarray(sample(TemporalOrder(20, n_marks), 20_000, 20).targets)
    assert chisquare(np.bincount(targets, minlength=2**n_marks)).pvalue > 1e-3
