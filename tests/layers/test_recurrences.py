"""Every way to compute a recurrence gives the same: step by step, with checkpoints, in chunks."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan.layers.delta_rule import delta_rule, delta_rule_by_steps
from memoryspan.layers.linear_attention import linear_attention, linear_attention_by_steps
from memoryspan.layers.matrix_recurrence import unit
from memoryspan.layers.s6 import selective_scan
from memoryspan.layers.stabilised_memory import memory_by_steps, memory_in_chunks
from memoryspan.layers.walk import checkpointed_walk, walk

HEADS, KEY, VALUE = 2, 3, 4


def drawn(*shape, seed):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def of_attention(time, decays):
    q, k = (drawn(2, time, HEADS, KEY, seed=seed) for seed in range(2))
    v, state = drawn(2, time, HEADS, VALUE, seed=2), drawn(2, HEADS, KEY, VALUE, seed=3)
    return q, k, v, -jnp.abs(drawn(2, time, HEADS, decays, seed=4)), state


def of_delta_rule(time):
    q, k, v, log_decay, state = of_attention(time, 1)
    return q, unit(k), v, 2 * jax.nn.sigmoid(drawn(2, time, HEADS, 1, seed=5)), 0.1 * log_decay, state


def of_s6(time):
    delta = jax.nn.softplus(drawn(2, time, 5, seed=1))
    b, c, state = drawn(2, time, 3, seed=2), drawn(2, time, 3, seed=3), drawn(2, 5, 3, seed=4)
    return drawn(2, time, 5, seed=0), delta, -jnp.abs(drawn(5, 3, seed=5)), b, c, state


def of_memory(time):
    q, k, v, _, c = of_attention(time, 1)
    n, m = jnp.abs(drawn(2, HEADS, KEY, 1, seed=6)), drawn(2, HEADS, 1, 1, seed=7)
    log_input, forget = 3 * drawn(2, time, HEADS, 1, seed=8), drawn(2, time, HEADS, 1, seed=9)
    # Above 0, so that no denominator is a small difference of large numbers.
    return jnp.abs(q), jnp.abs(k), v, log_input, jax.nn.log_sigmoid(2 + forget), (c, n, m)


WAYS = {
    "linear attention, a decay a head": (
        partial(of_attention, decays=1),
        [linear_attention, linear_attention_by_steps],
        partial(linear_attention_by_steps, form=walk),
    ),
    "linear attention, a decay a key": (
        partial(of_attention, decays=KEY),
        [linear_attention, linear_attention_by_steps],
        partial(linear_attention_by_steps, form=walk),
    ),
    "delta rule": (of_delta_rule, [delta_rule, delta_rule_by_steps], partial(delta_rule_by_steps, form=walk)),
    "stabilised memory": (of_memory, [memory_in_chunks, memory_by_steps], partial(memory_by_steps, form=walk)),
    "selective scan": (of_s6, [partial(selective_scan, form=checkpointed_walk)], partial(selective_scan, form=walk)),
}


@pytest.mark.parametrize("time", [1, 16, 37, 64])
@pytest.mark.parametrize("name", WAYS)
def test_all_ways_give_the_outputs_state_and_gradients_of_the_steps_one_by_one(name, time):
    draw, ways, one_by_one = WAYS[name]
    arguments = draw(time)
    expected = everything(one_by_one, arguments)
    for way in ways:
        for found, right in zip(*map(jax.tree.leaves, (everything(way, arguments), expected)), strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-4)


def everything(way, arguments):
    """The outputs, the state after the last step, and the gradient by each argument."""

    @jax.jit
    def compute(*arguments):
        results, back = jax.vjp(way, *arguments)
        return results, back(jax.tree.map(jnp.sin, results))

    return compute(*arguments)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_with_a_key_again_the_delta_rule_replaces_its_value(share):
    key = unit(drawn(1, 1, 1, KEY, seed=0))
    k, v = jnp.tile(key, (1, 2, 1, 1)), drawn(1, 2, 1, VALUE, seed=1)
    nothing, state = jnp.zeros((1, 2, 1, 1)), jnp.zeros((1, 1, KEY, VALUE))
    o, _ = delta_rule(k, k, v, nothing + share, nothing, state)
    np.testing.assert_allclose(o[0, 1, 0], share * v[0, 1, 0] + (1 - share) * share * v[0, 0, 0], rtol=1e-4, atol=1e-5)
