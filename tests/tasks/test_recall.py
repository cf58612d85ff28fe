from typing import Any

import jax
import numpy as np
from scipy.stats import chi2_contingency, chisquare

from memoryspan.tasks import Recall


def sample(task, length, rows, seed=0):
    batch = jax.device_get(jax.jit(task.sample, static_argnums=1)(jax.random.key(seed), rows, length))
    return batch.inputs, batch.targets, batch.target_mask


def test_pairs_come_first_and_every_key_returns_once_at_a_second_step():
    task = Recall(40, 64, 4)
    inputs, _, asked = sample(task, 33, 500)
    keys, values = inputs[:, 0:8:2], inputs[:, 1:8:2]
    assert ((keys >= 1) & (keys < 32)).all()
    assert (values >= 32).all()
    assert all(len(set(row)) == 4 for row in [*keys.tolist(), *values.tolist()])
    steps = np.nonzero(asked)[1].reshape(500, 4)
    assert ((steps >= 8) & (steps < 32) & (steps % 2 == 0)).all()
    np.testing.assert_array_equal(np.sort(inputs[asked].reshape(500, 4)), np.sort(keys))


def test_any_token_stands_where_nothing_is_asked():
    task = Recall(40, 16, 2)
    inputs, _, asked = sample(task, 40, 2000)
    assert chisquare(np.bincount(inputs[:, 4:][~asked[:, 4:]], minlength=16)).pvalue > 1e-3


def test_queries_are_drawn_like_numpys_choice_without_replacement():
    """The reference is the draw of the published code: the n-th key stands at the n-th place drawn."""
    rng, n_places, rows = np.random.default_rng(0), 6, 20_000
    chances = np.arange(1, n_places + 1) ** (0.01 - 1.0)
    expected = np.array([rng.choice(n_places, 2, replace=False, p=chances / chances.sum()) for _ in range(rows)])
    inputs, targets, asked = sample(Recall(30, 16, 2), 4 + 2 * n_places, rows)
    first = asked & (targets == inputs[:, 1:2])
    second = asked & (targets == inputs[:, 3:4])
    found = np.stack([(first.argmax(1) - 4) // 2, (second.argmax(1) - 4) // 2], axis=1)
    tables = [np.bincount(pairs @ [n_places, 1], minlength=n_places**2) for pairs in (expected, found)]
    possible = tables[0] > 0
    assert (tables[1][~possible] == 0).all()
    independence: Any = chi2_contingency([table[possible] for table in tables])
    assert independence.pvalue > 1e-3


def test_distant_places_are_drawn_as_often_as_the_power_law_says():
    n_places, rows = 1024, 4000
    _, _, asked = sample(Recall(2 + 2 * n_places, 16, 1), 2 + 2 * n_places, rows)
    place = (asked.argmax(1) - 2) // 2
    chances = np.arange(1, n_places + 1) ** (0.01 - 1.0)
    edges = [0, 1, 4, 16, 64, 256, n_places]
    expected = np.add.reduceat(chances, edges[:-1]) / chances.sum()
    assert chisquare(np.histogram(place, edges)[0], rows * expected).pvalue > 1e-3


def test_the_shortest_sequence_asks_at_every_place():
    _, _, asked = sample(Recall(40, 64, 3), 12, 100)
    assert (np.nonzero(asked)[1].reshape(100, 3) == [6, 8, 10]).all()
