from benchmarks.implementations import Work
from benchmarks.limit import SIZE, at_the_limit
from memoryspan.tasks import Echo


def test_an_example_takes_the_products_of_the_recurrence_and_of_the_dense_layer_three_times():
    assert Work(Echo(50), batch_size=128, batches=1).multiply_adds == 3 * (50 * 25 * 100 + 25 * 100)


def test_a_sample_has_the_examples_whose_multiply_adds_its_products_do():
    half_a_product = SIZE**3 // 2
    assert at_the_limit(half_a_product, examples=4)() == 4
    assert at_the_limit(half_a_product, examples=1)() == 2
