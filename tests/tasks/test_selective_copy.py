from itertools import combinations

import jax
import numpy as np
from scipy.stats import chisquare

from memoryspan.tasks import SelectiveCopy

ROWS = 20_000


def test_every_choice_of_places_is_equally_likely():
    task = SelectiveCopy(8, 5, 3)
    inputs = np.asarray(jax.jit(task.sample, static_argnums=1)(jax.random.key(0), ROWS, 8).inputs)
    places = (inputs[:, :5] < 3) @ (1 << np.arange(5))
    counts = [(places == sum(1 << place for place in chosen)).sum() for chosen in combinations(range(5), 3)]
    assert sum(counts) == ROWS
    assert chisquare(counts).pvalue > 1e-3


def test_what_is_copied_is_uniform():
    batch = jax.device_get(jax.jit(SelectiveCopy(8, 5, 3).sample, static_argnums=1)(jax.random.key(1), ROWS, 8))
    assert all(chisquare(np.bincount(batch.targets[:, step], minlength=3)).pvalue > 1e-3 for step in (5, 6, 7))


def test_the_shortest_sequence_has_no_noise():
    task = SelectiveCopy(20, 6, 2)
    inputs = np.asarray(jax.jit(task.sample, static_argnums=1)(jax.random.key(0), 50, task.min_length).inputs)[
        :, : task.min_length
    ]
    assert (inputs[:, :2] < 4).all()
    assert (inputs[:, 2:] == 5).all()


def test_the_published_setting_can_be_made():
    task = SelectiveCopy(length=4096)
    assert (task.n_features, task.n_copied, task.n_outputs) == (16, 16, 14)
