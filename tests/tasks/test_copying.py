import jax
import pytest

from memoryspan.errors import TaskError
from memoryspan.tasks import Copy
from tests.messages import naming


def test_a_sequence_is_symbols_blanks_a_marker_and_blanks_for_the_answers():
    batch = jax.device_get(Copy(12, n_symbols=3, n_copied=2).sample(jax.random.key(0), 1, 8))
    (first, second, *rest), (targets,), (asked,) = batch.inputs[0].tolist(), batch.targets, batch.target_mask
    blank, marker = 3, 4
    assert rest[:6] == [blank, blank, blank, marker, blank, blank]
    assert targets[asked].tolist() == [first, second]
    assert asked.nonzero()[0].tolist() == [6, 7]


def test_the_default_is_the_published_delay_of_100():
    batch = jax.device_get(Copy().sample(jax.random.key(0), 2, 120))
    blanks = (batch.inputs[0, 10:] == 8).nonzero()[0]
    assert (Copy().n_features, Copy().n_outputs, Copy().lag(120)) == (10, 8, 110)
    assert len(blanks) == 100 - 1 + 10


def test_a_length_that_is_too_short_is_refused_with_the_least_one():
    with pytest.raises(TaskError, match=naming("length", 21, "n_copied=10", 20, "length=21")):
        Copy(20)
