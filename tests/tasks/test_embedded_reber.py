from functools import cache
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from memoryspan.tasks import EmbeddedReber
from tests.tasks import reber

ROWS = 64


@cache
def compiled(length, rows=ROWS):
    return jax.jit(lambda key, lengths: EmbeddedReber(length).sample(key, rows, lengths))


def texts(batch):
    """The strings, each with the symbol that is never read."""
    return [reber.text_of(row[:length]) for row, length in zip(batch.targets, batch.lengths.tolist(), strict=True)]


def answers(string, width=None, chances=None):
    """What a model puts out along a string, (1, width, 7): of each symbol that may come the same, or `chances`."""
    out = np.zeros((1, width or len(string) - 1, 7), np.float32)
    for step in range(len(string) - 1):
        may_come = reber.may_come(string[: step + 1])
        for symbol in may_come:
            chance = 1 / len(may_come) if chances is None else chances(string[: step + 1], symbol)
            out[0, step, reber.SYMBOLS.index(symbol)] = chance
    return out


def right(string, predictions):
    """Which steps of a string are answered right."""
    targets = [reber.SYMBOLS.index(symbol) for symbol in string[1:]]
    targets += [3] * (predictions.shape[1] - len(targets))
    found = EmbeddedReber().correct(jnp.asarray(predictions), jnp.asarray([targets]))
    return np.asarray(found)[0, : len(string) - 1].tolist()


@cache
def coming(length, so_far):
    """The symbols that follow in strings of this length."""
    every = (string for string, _ in reber.strings(length))
    return {string[len(so_far)] for string in every if string.startswith(so_far)}


def some_strings():
    return [string for steps in (8, 9, 11, 14) for string, _ in reber.strings(steps)]


# Strings


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), lengths=st.lists(st.integers(8, 40), min_size=ROWS, max_size=ROWS))
def test_strings_are_legal_and_as_long_as_asked_for(seed, lengths):
    batch = jax.device_get(compiled(40)(jax.random.key(seed), jnp.asarray(lengths)))
    for text, length, inputs in zip(texts(batch), lengths, batch.inputs, strict=True):
        assert len(text) == length + 1
        assert reber.may_come(text) == ""
        assert text[:length] == reber.text_of(inputs[1:length])


@pytest.mark.parametrize("length", [*range(8, 16), 69, 70, 3000])
def test_of_every_length_from_the_shortest_on_there_are_strings(length):
    batch = jax.device_get(compiled(max(length, 16))(jax.random.key(0), jnp.full(ROWS, length)))
    for text in texts(batch):
        assert len(text) == length + 1
        assert reber.may_come(text) == ""


def test_there_is_none_shorter_than_the_shortest():
    assert [sum(1 for _ in reber.strings(steps)) > 0 for steps in range(1, 12)] == [False] * 7 + [True] * 4


@pytest.mark.parametrize("length", [8, 9, 12, 15])
def test_a_string_comes_as_often_as_the_random_walk_makes_it_among_those_of_its_length(length):
    expected = dict(reber.strings(length))
    batch = jax.device_get(compiled(15, 20_000)(jax.random.key(length), jnp.full(20_000, length)))
    found, counts = np.unique(texts(batch), return_counts=True)
    assert set(found) == set(expected)
    shares = np.array([expected[text] for text in found])
    assert chisquare(counts, 20_000 * shares / shares.sum()).pvalue > 1e-3


def test_both_outer_symbols_come_equally_often():
    batch = jax.device_get(compiled(100, 20_000)(jax.random.key(1), jnp.full(20_000, 100)))
    found = int((batch.inputs[:, 1] == reber.SYMBOLS.index("T")).sum())
    assert binomtest(found, 20_000, 0.5).pvalue > 1e-3


def test_far_from_the_end_a_symbol_comes_as_often_as_the_ways_behind_it():
    """The share of one more T, where one or a V may come, is 1 / 1.4656, the growth of the number of strings."""
    inputs = np.asarray(compiled(300, 2000)(jax.random.key(2), jnp.full(2000, 300)).inputs)[:, 50:150]
    looped = (inputs[:, :-1] == 1) & (inputs[:, 1:] == 1)
    after_t = inputs[:, :-1] == 1
    assert looped.sum() / after_t.sum() == pytest.approx(1 / 1.46557, abs=0.01)


# Right and wrong


@pytest.mark.parametrize("string", some_strings()[::5])
def test_the_probabilities_of_the_random_walk_are_right_at_every_step(string):
    assert all(right(string, answers(string)))
    assert all(right(string, answers(string, width=25)))


@pytest.mark.parametrize("length", [8, 9, 11, 14])
def test_the_shares_among_strings_of_the_length_are_right_at_every_step(length):
    every = dict(reber.strings(length))

    def chance(so_far, symbol):
        behind = sum(each for string, each in every.items() if string.startswith(so_far + symbol))
        return behind / sum(each for string, each in every.items() if string.startswith(so_far))

    for string in every:
        assert all(right(string, answers(string, chances=chance)))


def test_the_other_outer_symbol_is_wrong_where_it_comes_again_and_nowhere_else():
    for string in some_strings():
        swapped = answers(string)
        swapped[0, -2] = swapped[0, -2, [0, 2, 1, 3, 4, 5, 6]]
        assert right(string, swapped) == [True] * (len(string) - 3) + [False, True]


def test_a_symbol_that_may_not_come_is_wrong_where_it_is_as_probable_as_one_that_may():
    string = "BPBPTTVPXVVEPE"
    for step in range(len(string) - 1):
        for symbol in set(reber.SYMBOLS) - set(reber.may_come(string[: step + 1])):
            spoilt = answers(string)
            spoilt[0, step, reber.SYMBOLS.index(symbol)] = spoilt[0, step].max()
            assert right(string, spoilt) == [at != step for at in range(len(string) - 1)]


def test_to_be_sure_of_the_symbol_that_came_is_right_where_no_other_may_come_in_a_string_of_this_length():
    string = "BPBPTTVPXVVEPE"
    sure = jax.nn.one_hot(jnp.asarray([[reber.SYMBOLS.index(symbol) for symbol in string[1:]]]), 7)
    alone = [len(coming(13, string[: step + 1])) == 1 for step in range(13)]
    assert right(string, sure) == alone
    assert 3 < sum(alone) < 13


@pytest.mark.parametrize("string", ["BTBTXSETE", "BPBPTTVPXVVEPE"])
def test_how_probable_a_symbol_is_that_the_grammar_has_and_no_string_of_this_length_does_not_matter(string):
    found = 0
    for step in range(len(string) - 1):
        so_far = string[: step + 1]
        for symbol in set(reber.may_come(so_far)) - coming(len(string) - 1, so_far):
            for chance in (0, 1):
                other = answers(string)
                other[0, step, reber.SYMBOLS.index(symbol)] = chance
                assert all(right(string, other))
                found += 1
    assert found


def test_a_constant_is_wrong_at_every_step():
    string = "BPBPTTVPXVVEPE"
    assert not any(right(string, np.full((1, 13, 7), 1 / 7, np.float32)))


@pytest.mark.parametrize("length", [8, 11, 14])
def test_no_answers_are_right_for_two_strings_so_that_chance_is_one_of_all(length):
    every = [string for string, _ in reber.strings(length)]
    assert EmbeddedReber(length).chance == pytest.approx(1 / len(every))
    for one, other in combinations(every, 2):
        assert any(contradict(length, one[: step + 1], other[: step + 1]) for step in range(length))


def contradict(length, one, other):
    """Whether something has to be more probable than another after one beginning, and less after the other one."""
    return all(coming(length, this) - set(reber.may_come(that)) for this, that in ((one, other), (other, one)))


@pytest.mark.parametrize("length", [69, 70, 100, 500])
def test_chance_is_one_of_all_strings_at_great_lengths_too(length):
    now = {"in": 1}
    for _ in range(length - 5):
        then: dict[str, int] = {}
        for node in now.keys() - {"out"}:
            for to in reber.arrows(node).values():
                then[to] = then.get(to, 0) + now[node]
        now = then
    assert EmbeddedReber(length).chance == pytest.approx(1 / (2 * now["out"]), rel=1e-8)
