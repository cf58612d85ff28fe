import pytest

from benchmarks.implementations import OURS, Work, with_memoryspan
from memoryspan.tasks import Echo


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_sample_has_the_examples_of_all_seeds(seeds):
    sample = with_memoryspan(Work(Echo(10), batch_size=2, batches=20), OURS, seeds)
    assert [sample(), sample()] == [2 * 20 * seeds] * 2
