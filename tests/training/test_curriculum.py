import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import chisquare

from memoryspan import Curriculum, GradientGuard, StepDecay, UniformLengths
from memoryspan.errors import TaskError
from memoryspan.training.schedule import Progress
from tests.messages import naming

CHANCE = 0.01
shares = st.floats(0, 1, width=32)
ranges = st.tuples(st.integers(1, 300), st.integers(0, 3000)).map(lambda pair: (pair[0], sum(pair)))


def at(length, accuracy=0.0, updates=0):
    return Progress(jnp.int32(length), jnp.float32(accuracy), jnp.int32(updates))


def steps(curriculum, accuracies, min_length, max_length, start=None):
    """Every place the curriculum comes by on a series of batches."""
    places = [curriculum.start(min_length, max_length) if start is None else at(start)]
    for accuracy in accuracies:
        places.append(curriculum.advance(places[-1], jnp.float32(accuracy), CHANCE, min_length, max_length))
    return jax.device_get(places)


curricula = st.builds(
    Curriculum,
    growth=st.floats(1.1, 8),
    grow_above=st.floats(0.5, 1),
    min_updates=st.integers(0, 5),
    decay=st.floats(0, 0.95),
    patience=st.integers(1, 9),
    consolidate_fraction=shares,
    consolidate_factor=st.integers(1, 3),
)


# The current length


@given(curricula, ranges, st.lists(shares, max_size=12))
def test_the_length_stays_between_the_shortest_and_the_longest(curriculum, between, accuracies):
    min_length, max_length = between
    places = steps(curriculum, accuracies, min_length, max_length)
    assert places[0].length == min_length
    assert all(min_length <= place.length <= max_length for place in places)


@given(curricula, ranges, st.lists(shares, max_size=12))
def test_it_grows_when_the_running_accuracy_is_mastered_and_never_else(curriculum, between, accuracies):
    min_length, max_length = between
    places = steps(curriculum, accuracies, min_length, max_length)
    seen = []
    for before, after, accuracy in zip(places, places[1:], accuracies, strict=False):
        seen.append(accuracy)
        running = np.average(seen, weights=curriculum.decay ** np.arange(len(seen))[::-1])
        if abs(running - curriculum.grow_above) > 1e-5:
            settles = curriculum.step_decay.from_length < before.length <= curriculum.consolidate_fraction * max_length
            batches = curriculum.min_updates * (curriculum.consolidate_factor if settles else 1)
            enough = len(seen) >= batches / curriculum.step_decay.fraction(before.length)
            grows = running > curriculum.grow_above and enough and before.length < max_length
            assert (after.length > before.length) == grows
        if after.length != before.length:
            seen = []


@jax.jit
def lengths_when_all_is_right(min_length, max_length):
    def batch(place, _):
        return Curriculum().advance(place, jnp.float32(1), CHANCE, min_length, max_length), place.length

    return jax.lax.scan(batch, Curriculum().start(min_length, 64), length=500)[1]


@given(ranges)
def test_a_model_that_masters_everything_gets_to_the_longest_and_stays(between):
    min_length, max_length = between
    lengths = np.asarray(lengths_when_all_is_right(min_length, max_length))
    assert (np.diff(lengths) >= 0).all()
    assert lengths[-1] == max_length


def test_it_doubles():
    mastered = at(20, accuracy=0.99, updates=10)
    assert Curriculum().advance(mastered, jnp.float32(1), CHANCE, 3, 1000).length == 40
    assert Curriculum().advance(mastered, jnp.float32(1), CHANCE, 3, 30).length == 30


@pytest.mark.parametrize("length", [3, 20])
def test_a_lucky_batch_is_not_enough(length):
    assert [place.length for place in steps(Curriculum(), [1.0], 3, 100, start=length)] == [length, length]


def test_the_last_batches_weigh_the_most_and_the_first_one_counts_in_full():
    first, second = steps(Curriculum(), [1.0, 0.0], 3, 100)[1:]
    assert first.accuracy == pytest.approx(1)
    assert second.accuracy == pytest.approx(0.8 / 1.8)


def lasts(length, max_length):
    """Updates at a length where every answer is right."""
    return [place.length > length for place in steps(Curriculum(), [1.0] * 99, 3, max_length, start=length)].index(True)


@pytest.mark.slow
def test_far_out_a_length_lasts_as_many_more_updates_as_steps_are_shorter():
    assert [lasts(length, 20_000) for length in (3, 32, 1000, 10_000)] == [4, 4, 10, 17]


def test_a_length_that_costs_little_beside_the_longest_lasts_four_times_as_many():
    assert [lasts(length, 32_000) for length in (3, 32, 33, 1000, 1001)] == [4, 4, 17, 38, 10]


@pytest.mark.slow
@given(curricula, st.integers(1, 100), st.lists(st.just(0.0), max_size=30))
def test_it_never_grows_after_a_collapse(curriculum, length, accuracies):
    lengths = [place.length for place in steps(curriculum, accuracies, 1, 1000, start=length)]
    assert lengths == sorted(lengths, reverse=True)


def test_it_shrinks_when_all_is_lost_once_patience_ends_and_again_later():
    lengths = [int(place.length) for place in steps(Curriculum(patience=5), [CHANCE] * 11, 3, 1000, start=40)]
    assert lengths == [40] * 5 + [20] * 5 + [10] * 2


@pytest.mark.slow
@given(st.floats(0.25, 0.9), st.integers(3, 900))
def test_it_does_not_shrink_while_something_is_known(accuracy, length):
    places = steps(Curriculum(patience=5), [accuracy] * 12, 3, 1000, start=length)
    assert all(place.length == length for place in places)


def test_what_counts_as_lost_is_counted_from_chance():
    guessing = [0.5] * 30
    start = at(40, accuracy=0.5)
    for accuracy in guessing:
        start = Curriculum(patience=5).advance(start, jnp.float32(accuracy), 0.5, 3, 1000)
    assert start.length < 40


@given(st.integers(1, 500), st.lists(shares, max_size=12))
def test_where_the_shortest_is_the_longest_nothing_moves(length, accuracies):
    places = steps(Curriculum(patience=1), accuracies, length, length)
    assert all(place.length == length for place in places)
    assert places[-1].updates == len(accuracies)


# The lengths of a batch

drawn = jax.jit(lambda key, progress, min_length: Curriculum().lengths(key, progress, 32, min_length))


@given(ranges, st.integers(0, 2**32 - 1))
def test_lengths_are_drawn_up_to_the_current_one_and_a_quarter_stands_there(between, seed):
    min_length, current = between
    lengths = np.asarray(drawn(jax.random.key(seed), at(current), min_length))
    assert (lengths[:8] == current).all()
    assert ((lengths >= min_length) & (lengths <= current)).all()


def test_the_others_are_uniform():
    lengths = Curriculum(full_length_fraction=0).lengths(jax.random.key(0), at(12), 20_000, 3)
    assert chisquare(np.bincount(lengths, minlength=13)[3:]).pvalue > 1e-4


def test_all_of_a_batch_may_stand_at_the_current_length():
    lengths = Curriculum(full_length_fraction=1).lengths(jax.random.key(0), at(12), 10, 3)
    assert lengths.tolist() == [12] * 10


# The step


@given(st.integers(1, 2**20))
def test_steps_are_whole_up_to_32_and_fall_by_the_fourth_root_beyond(length):
    expected = 1.0 if length <= 32 else (32 / length) ** 0.25
    np.testing.assert_allclose(StepDecay().fraction(length), expected, rtol=1e-6)


@given(st.integers(1, 2**20), st.floats(0, 100, width=32), st.integers(0, 2))
@example(1024, 6.0, 0)
@example(1025, 5.0, 0)
@example(1025, 6.0, 0)
def test_a_gradient_has_exploded_where_it_is_long_and_the_batch_right_and_the_length_far(length, norm, wrong):
    accuracy = (32 - wrong) / 32
    assert bool(GradientGuard().skips(length, norm, accuracy)) == (length > 1024 and norm > 5 and not wrong)


# Settings


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Curriculum, {"growth": 1}),
        (Curriculum, {"growth": float("nan")}),
        (Curriculum, {"grow_above": 1.1}),
        (Curriculum, {"shrink_below": -0.1}),
        (Curriculum, {"full_length_fraction": 2}),
        (Curriculum, {"consolidate_fraction": -0.1}),
        (Curriculum, {"consolidate_factor": 0}),
        (Curriculum, {"decay": 1}),
        (Curriculum, {"step_decay": 1}),
        (StepDecay, {"from_length": 0}),
        (StepDecay, {"power": -1}),
        (GradientGuard, {"max_grad_norm": 0}),
        (GradientGuard, {"from_length": 0}),
        (UniformLengths, {"min_length": 0}),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_its_name_and_value(kind, settings):
    ((name, value),) = settings.items()
    with pytest.raises(TaskError, match=naming(name, value)):
        kind(**settings)


# No order


@given(ranges, st.lists(shares, max_size=12))
def test_without_an_order_the_length_is_the_full_one_throughout(between, accuracies):
    min_length, max_length = between
    unordered = UniformLengths(min_length)
    places = steps(unordered, accuracies, 1, max_length)
    assert {int(place.length) for place in places} == {max_length}
    assert unordered.step_decay is None
    assert unordered.gradient_guard is None


def test_without_an_order_lengths_are_uniform_over_the_range():
    unordered = UniformLengths(7)
    drawn = unordered.lengths(jax.random.key(0), at(12), 6000, 2)
    counts = np.bincount(drawn, minlength=13)
    assert counts[:7].sum() == 0
    assert chisquare(counts[7:]).pvalue > 1e-3


def test_without_an_order_the_running_accuracy_goes_on():
    (*_, last) = steps(UniformLengths(5), [1.0] * 30, 5, 9)
    assert last.accuracy == pytest.approx(1)
    assert last.updates == 30


def test_one_length_for_a_batch_is_the_current_one_or_one_where_it_has_been():
    curriculum = Curriculum()
    drawn = [curriculum.one_length(updates, 48, 3) for updates in range(400)]
    assert set(drawn) == {3, 6, 12, 24, 48}
    assert 0.55 < drawn.count(48) / 400 < 0.75
    assert drawn == [curriculum.one_length(updates, 48, 3) for updates in range(400)]


@given(st.integers(1, 200), st.integers(0, 500), st.integers(0, 10_000), st.floats(1.01, 4))
def test_one_length_stays_between_the_shortest_and_the_current_one(min_length, more, updates, growth):
    assert (
        min_length <= Curriculum(growth=growth).one_length(updates, min_length + more, min_length) <= min_length + more
    )


def test_without_an_order_one_length_is_the_current_one():
    assert {UniformLengths(3).one_length(updates, 48, 3) for updates in range(50)} == {48}
