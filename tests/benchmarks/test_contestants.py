import pytest

from benchmarks.contestants import Work, with_memoryspan
from memoryspan.tasks import Echo


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_lap_gives_the_examples_of_all_seeds(seeds):
    lap = with_memoryspan(Work(Echo(10), batch_size=2, batches=20), "off", seeds)
    assert [lap(), lap()] == [2 * 20 * seeds] * 2
