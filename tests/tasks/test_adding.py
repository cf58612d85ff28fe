import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from memoryspan.tasks import Adding

ROWS = 40_000


def sample(task, length=None, rows=ROWS):
    return jax.device_get(jax.jit(task.sample, static_argnums=1)(jax.random.key(0), rows, length or task.length))


def test_any_two_steps_are_marked_equally_often():
    marks = sample(Adding(5)).inputs[..., 1]
    pairs = np.bincount((marks @ (1 << np.arange(5))).astype(int))
    assert (marks.sum(1) == 2).all()
    assert chisquare(pairs[pairs > 0]).pvalue > 1e-3
    assert (pairs > 0).sum() == 10


def test_the_answer_is_right_within_four_hundredths():
    predictions = jnp.array([[0.5], [0.539], [0.541], [0.4605], [0.4595], [jnp.nan]])
    assert Adding().correct(predictions, jnp.full(6, 0.5)).tolist() == [True, True, False, True, False, False]


@pytest.mark.parametrize("length", [20, 50, 200])
def test_in_1997_marks_stand_where_they_were_published(length):
    numbers, marks = np.moveaxis(sample(Adding(length, "1997"), rows=2000).inputs, -1, 0)
    assert (marks[:, [0, -1]] == -1).all()
    assert set(np.unique(marks[:, 1:-1])) == {0, 1}
    assert numbers.min() < -0.9
    assert numbers.max() > 0.9
    both = marks[(marks == 1).sum(1) == 2]
    first, second = np.argmax(both == 1, axis=1), length - 1 - np.argmax(both[:, ::-1] == 1, axis=1)
    assert len(both) > 1500
    assert first.max() < max(10, length // 2 - 1)
    assert second.max() == length // 2 - 1


def test_in_1997_a_mark_on_the_first_step_counts_as_zero():
    batch = sample(Adding(50, "1997"))
    single = (batch.inputs[..., 1] == 1).sum(1) == 1
    assert binomtest(int(single.sum()), ROWS, 1 / 10 + 9 / 10 / 24).pvalue > 1e-3
    assert (batch.inputs[single, 0, 0] == 0).all()
    other = (batch.inputs[..., 0] * (batch.inputs[..., 1] == 1)).sum(1)
    np.testing.assert_allclose(batch.targets, 0.5 + other / 4, atol=1e-6)


@pytest.mark.parametrize("task", [Adding(2), Adding(60), *(Adding(n, "1997") for n in (4, 7, 20, 60))], ids=str)
def test_no_constant_guess_beats_chance_and_the_best_one_reaches_it(task):
    targets = sample(task).targets
    shares = [task.correct(jnp.full((ROWS, 1), guess), targets).mean() for guess in np.linspace(0, 2, 81)]
    assert float(max(shares)) == pytest.approx(task.chance, abs=4 * np.sqrt(task.chance / ROWS))


def test_a_form_read_as_a_number_is_the_same_form():
    assert Adding(form=1997) == Adding(form="1997")  # pyright: ignore[reportArgumentType]
