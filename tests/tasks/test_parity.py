import jax

from memoryspan.tasks import Parity


def test_the_answer_is_odd_where_the_number_of_ones_so_far_is():
    batch = jax.device_get(Parity(6).sample(jax.random.key(0), 50, 5))
    for bits, targets, asked in zip(batch.inputs, batch.targets, batch.target_mask, strict=True):
        assert asked.tolist() == [True] * 5 + [False]
        assert targets[:5].tolist() == [bits[: step + 1].tolist().count(1) % 2 for step in range(5)]
    assert len({tuple(row[:5]) for row in batch.inputs.tolist()}) > 20


def test_of_two_steps_a_guesser_gets_one_in_four():
    assert Parity(2).chance == 1 / 4
    assert Parity(100_000).chance == 0
