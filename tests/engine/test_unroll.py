"""`unroll` beside a plain Python loop over each row alone, and its gradient beside that of `lax.scan`."""

from functools import partial
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jax.test_util import check_grads

from memoryspan.engine import unroll

TIME, BATCH, SYMBOLS = 6, 4, 5

lengths_of_rows = arrays(np.int32, BATCH, elements=st.integers(0, TIME))
seeds = st.integers(0, 2**16)


class State(NamedTuple):
    """A state with leaves of other ranks and types than a cell's."""

    hidden: jax.Array
    pair: dict
    steps: jax.Array


def make(seed):
    """Parameters, a state and inputs: nested, real and whole numbers."""
    rng = np.random.default_rng(seed)

    def real(*shape):
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    params = {"in": real(3, 2), "rec": [real(2, 2), real(2)], "table": real(SYMBOLS, 2)}
    state = State(real(BATCH, 2), {"sum": real(BATCH), "outer": real(BATCH, 2, 3)}, jnp.arange(BATCH))
    inputs = {"real": real(TIME, BATCH, 3), "token": jnp.asarray(rng.integers(0, SYMBOLS, (TIME, BATCH)))}
    return params, state, inputs


def step(params, state, x):
    recurrent, bias = params["rec"]
    looked_up = jnp.take(params["table"], x["token"], axis=0, mode="clip")
    hidden = jnp.tanh(x["real"] @ params["in"] + looked_up + state.hidden @ recurrent + bias)
    outer = 0.5 * state.pair["outer"] + hidden[:, :, None] * x["real"][:, None, :]
    new = State(hidden, {"sum": state.pair["sum"] + hidden.sum(-1), "outer": outer}, state.steps + 1)
    return new, (hidden, {"steps": new.steps, "sum": jnp.sin(new.pair["sum"])})


def silent_step(params, state, x):
    return step(params, state, x)[0], None


def row_alone(step, params, state, inputs, row, length):
    """What one row gives by itself: a loop in Python, and zeros behind its end."""
    of_row = partial(jax.tree.map, lambda a: a[row : row + 1])
    state, outputs = of_row(state), []
    for t in range(length):
        state, output = step(params, state, of_row(jax.tree.map(lambda a, t=t: a[t], inputs)))
        outputs.append(output)
    blank = jax.tree.map(jnp.zeros_like, step(params, state, of_row(jax.tree.map(lambda a: a[0], inputs)))[1])
    outputs += [blank] * (TIME - length)
    return state, jax.tree.map(lambda *steps: jnp.stack(steps), *outputs)


def loop(step, params, state, inputs, lengths):
    rows = [row_alone(step, params, state, inputs, row, int(length)) for row, length in enumerate(lengths)]
    states, outputs = zip(*rows, strict=True)
    return (
        jax.tree.map(lambda *rows: jnp.concatenate(rows), *states),
        jax.tree.map(lambda *rows: jnp.concatenate(rows, axis=1), *outputs),
    )


def scan(step, params, state, inputs, lengths):
    """The same with `lax.scan`, which JAX knows how to differentiate."""

    def body(state, t_and_x):
        t, x = t_and_x

        def choose(this, other):
            return jnp.where((t < lengths).reshape(-1, *[1] * (this.ndim - 1)), this, other)

        new, output = step(params, state, x)
        return jax.tree.map(choose, new, state), jax.tree.map(lambda o: choose(o, jnp.zeros_like(o)), output)

    return jax.lax.scan(body, state, (jnp.arange(TIME), inputs))


def score(recurrence, step, lengths, params, state, inputs):
    """Some number that everything real in the result has a part in."""
    leaves = jax.tree.leaves(recurrence(step, params, state, inputs, lengths))
    return sum(jnp.sum(jnp.cos(leaf + 0.3 * i)) for i, leaf in enumerate(leaves) if leaf.dtype == jnp.float32)


def gradient(recurrence, step):
    """Of `score`, with respect to everything real."""

    def of(lengths, params, state, inputs):
        def scored(params, real_state, real_inputs):
            hidden, pair = real_state
            whole_state = State(hidden, pair, state.steps)
            return score(recurrence, step, lengths, params, whole_state, inputs | {"real": real_inputs})

        return jax.grad(scored, (0, 1, 2))(params, (state.hidden, state.pair), inputs["real"])

    return jax.jit(of)


unrolled = jax.jit(unroll, static_argnums=0)
scanned = jax.jit(lambda params, state, inputs: jax.lax.scan(partial(step, params), state, inputs))
gradients = {
    (recurrence, one): gradient(recurrence, one) for recurrence in (unroll, scan) for one in (step, silent_step)
}


def spoil(inputs, lengths, token):
    """NaN, and tokens that do not exist, in the padding."""
    padding = np.arange(TIME)[:, None] >= lengths
    return {
        "real": jnp.where(padding[..., None], jnp.nan, inputs["real"]),
        "token": jnp.where(padding, token, inputs["token"]),
    }


def assert_close(these, others, rtol=1e-5, atol=1e-5):
    jax.tree.map(partial(np.testing.assert_allclose, rtol=rtol, atol=atol), these, others)


def assert_same_bits(these, others):
    jax.tree.map(np.testing.assert_array_equal, these, others)


# Results


@pytest.mark.parametrize("one", [step, silent_step])
@settings(max_examples=8)
@given(lengths_of_rows, seeds)
def test_each_row_gives_what_it_gives_alone_in_a_plain_loop(one, lengths, seed):
    found = unrolled(one, *make(seed), lengths)
    assert_close(found, loop(one, *make(seed), lengths))


@given(lengths_of_rows, seeds)
def test_outputs_behind_a_rows_end_are_zero(lengths, seed):
    _, outputs = unrolled(step, *make(seed), lengths)
    behind = np.arange(TIME)[:, None] >= lengths
    assert all((np.asarray(output)[behind] == 0).all() for output in jax.tree.leaves(outputs))


@given(lengths_of_rows, seeds, st.integers(-(2**31), 2**31 - 1))
def test_what_stands_in_the_padding_changes_no_bit(lengths, seed, token):
    params, state, inputs = make(seed)
    assert_same_bits(
        unrolled(step, params, state, spoil(inputs, lengths, token), lengths),
        unrolled(step, params, state, inputs, lengths),
    )


@given(seeds)
def test_at_full_length_it_is_a_scan(seed):
    params, state, inputs = make(seed)
    full = np.full(BATCH, TIME, np.int32)
    assert_close(unrolled(step, params, state, inputs, full), scanned(params, state, inputs))


def test_a_row_without_a_step_keeps_its_state():
    params, state, inputs = make(0)
    last, outputs = unrolled(step, params, state, inputs, np.zeros(BATCH, np.int32))
    assert_same_bits(last, state)
    assert all((np.asarray(output) == 0).all() for output in jax.tree.leaves(outputs))


def test_a_step_that_puts_nothing_out_costs_no_outputs():
    assert unrolled(silent_step, *make(0), np.full(BATCH, TIME, np.int32))[1] is None


@pytest.mark.parametrize("jitted", [False, True])
def test_it_runs_with_and_without_jit(jitted):
    lengths = jnp.array([6, 1, 3, 0])
    run = unrolled if jitted else unroll
    assert_close(run(step, *make(1), lengths), loop(step, *make(1), lengths))


@pytest.mark.parametrize("lengths", [[0, 0, 0, 0], [1, 0, 1, 1], [2, 5, 3, 4], [6, 6, 6, 6]])
def test_it_walks_as_many_steps_as_the_longest_row_has_there_and_back(lengths):
    walked = []

    def counting_step(params, state, x):
        jax.debug.callback(lambda: walked.append("step"))
        return params * state + x, None

    def last_sum(params):
        walk = unroll(counting_step, params, jnp.ones(BATCH), jnp.ones((TIME, BATCH)), jnp.array(lengths))
        return jax.tree.leaves(walk)[0].sum()

    jax.grad(last_sum)(2.0)
    jax.effects_barrier()
    assert len(walked) == 2 * max(lengths)


# Gradients


@pytest.mark.parametrize("one", [step, silent_step])
@given(lengths_of_rows, seeds)
def test_the_gradient_is_that_of_a_scan(one, lengths, seed):
    found = gradients[unroll, one](lengths, *make(seed))
    assert_close(found, gradients[scan, one](lengths, *make(seed)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("lengths", [[6, 6, 6, 6], [1, 4, 0, 6]])
def test_the_gradient_is_the_slope_by_finite_differences(lengths):
    params, state, inputs = make(3)

    @jax.jit
    def scored(params, hidden, real):
        return score(unroll, step, jnp.array(lengths), params, state._replace(hidden=hidden), inputs | {"real": real})

    check_grads(scored, (params, state.hidden, inputs["real"]), order=1, modes=["rev"], rtol=1e-2, atol=1e-2, eps=2e-3)


@given(lengths_of_rows, seeds, st.integers(-(2**31), 2**31 - 1))
def test_what_stands_in_the_padding_changes_no_bit_of_the_gradient(lengths, seed, token):
    params, state, inputs = make(seed)
    assert_same_bits(
        gradients[unroll, step](lengths, params, state, spoil(inputs, lengths, token)),
        gradients[unroll, step](lengths, params, state, inputs),
    )


@given(lengths_of_rows, seeds)
def test_the_padding_has_no_gradient(lengths, seed):
    _, _, of_inputs = gradients[unroll, step](lengths, *make(seed))
    assert (np.asarray(of_inputs)[np.arange(TIME)[:, None] >= lengths] == 0).all()


def test_rows_without_a_step_hand_the_gradient_straight_through_to_the_state():
    of_params, of_state, _ = gradients[unroll, silent_step](np.zeros(BATCH, np.int32), *make(0))
    _, state, _ = make(0)
    assert all((np.asarray(leaf) == 0).all() for leaf in jax.tree.leaves(of_params))
    np.testing.assert_allclose(of_state[0], -jnp.sin(state.hidden), rtol=1e-6)


def test_parameters_may_hold_whole_numbers_which_have_no_gradient():
    def shifted(params, state, x):
        return params["w"] * state + x + params["shift"], None

    def last_sum(recurrence, w):
        params = {"w": w, "shift": jnp.arange(BATCH)}
        lengths = jnp.array([6, 2, 0, 4])
        return recurrence(shifted, params, jnp.ones(BATCH), jnp.ones((TIME, BATCH)), lengths)[0].sum()

    np.testing.assert_allclose(jax.grad(partial(last_sum, unroll))(0.7), jax.grad(partial(last_sum, scan))(0.7), 1e-5)


# In other transformations


def test_it_runs_under_vmap_over_parameters_as_one_after_the_other():
    _, state, inputs = make(0)
    lengths = jnp.array([6, 1, 3, 0])
    each = [make(seed)[0] for seed in range(3)]
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
    grads = jax.vmap(lambda params: gradients[unroll, step](lengths, params, state, inputs))(together)
    for i, params in enumerate(each):
        one = gradients[unroll, step](lengths, params, state, inputs)
        assert_close(jax.tree.map(lambda leaf, i=i: leaf[i], grads), one)


def test_it_runs_under_vmap_over_lengths_as_one_after_the_other():
    params, state, inputs = make(0)
    lengths = jnp.array([[6, 1, 3, 0], [0, 0, 2, 1]])
    grads = jax.vmap(lambda lengths: gradients[unroll, step](lengths, params, state, inputs))(lengths)
    for i in range(2):
        one = gradients[unroll, step](lengths[i], params, state, inputs)
        assert_close(jax.tree.map(lambda leaf, i=i: leaf[i], grads), one)


def test_under_vmap_all_walk_as_far_as_the_longest_of_them_and_each_gets_its_own():
    def step(params, state, x):
        state = jnp.tanh(state @ params + x)
        return state, None

    rng = np.random.default_rng(0)
    params = jnp.asarray(rng.normal(size=(3, 2, 2)), jnp.float32)
    inputs = jnp.asarray(rng.normal(size=(3, 7, 4, 2)), jnp.float32)
    lengths = jnp.asarray(rng.integers(1, 8, size=(3, 4)), jnp.int32)

    def last(params, inputs, lengths):
        state, _ = cast(tuple, unroll(step, params, jnp.zeros((4, 2)), inputs, lengths))
        return state

    def gradient(params, inputs, lengths):
        return jax.grad(lambda params: last(params, inputs, lengths).sum())(params)

    for function in (last, gradient):
        together = jax.vmap(function)(params, inputs, lengths)
        alone = [function(*each) for each in zip(params, inputs, lengths, strict=True)]
        np.testing.assert_allclose(together, jnp.stack(alone), rtol=1e-5, atol=1e-6)
    loops = str(jax.make_jaxpr(jax.vmap(last))(params, inputs, lengths))
    assert "reduce_or" not in loops  # a trip count for each would end where all of them have


@pytest.mark.parametrize("step", [step, silent_step])
def test_a_length_is_one_of_the_inputs_or_none(step):
    params, state, inputs = make(0)
    wild, tame = jnp.asarray([-2, TIME + 3, 2, 2**31 - 1]), jnp.asarray([0, TIME, 2, TIME])

    def total(params, lengths):
        return sum(leaf.sum() for leaf in jax.tree.leaves(unroll(step, params, state, inputs, lengths)))

    found, expected = (jax.jit(jax.value_and_grad(total))(params, lengths) for lengths in (wild, tame))
    jax.tree.map(np.testing.assert_array_equal, found, expected)
