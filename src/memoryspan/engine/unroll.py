"""The recurrence: one loop for every cell, as long as the longest sequence of the batch and no longer.

`lax.scan` runs over the padding too, and its derivative keeps every intermediate value of every step. `unroll` is a
`lax.while_loop` whose trip count is known only at run time. The forward pass keeps the state before each step and
nothing else; the backward pass goes back over them and calls `jax.vjp(step)` at each step, so a new cell needs
no derivative of its own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Int, PyTree, Shaped

Step = Callable[[Any, Any, Any], tuple[Any, Any]]
"""step(params, state, input) -> (state, output), on a batch of rows that do not see each other."""


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def unroll(
    step: Step,
    params: PyTree[Array],
    state: PyTree[Shaped[Array, "batch ..."]],
    inputs: PyTree[Shaped[Array, "time batch ..."]],
    lengths: Int[Array, "batch"],
) -> tuple[PyTree[Shaped[Array, "batch ..."]], PyTree[Shaped[Array, "time batch ..."]]]:
    """Carry `state` over the first `lengths` inputs of each row; like `lax.scan`, for ragged rows.

    A row that has ended keeps its state, and its outputs are zero; what stands in `inputs` past a row's length is
    never read. A length beyond the inputs stands for all of them, and one below 0 for none, as in C++. A step that
    returns None as its output costs no memory for outputs.

    Returns:
        The state after each row's last step, and the outputs of every step, time first.
    """
    lengths = _within(lengths, inputs)
    n_steps, first = _longest(lengths), _first(inputs, lengths)
    outputs = _blank_outputs(step, params, state, inputs)

    def body(carry):
        t, state, outputs = carry
        state, output = _masked(step, params, state, _at(inputs, t), first, t < lengths)
        return t + 1, state, _put(outputs, output, t)

    _, state, outputs = lax.while_loop(lambda carry: carry[0] < n_steps, body, (0, state, outputs))
    return state, outputs


def _forward(step, params, state, inputs, lengths):
    lengths = _within(lengths, inputs)
    n_steps, first = _longest(lengths), _first(inputs, lengths)
    time = jax.tree.leaves(inputs)[0].shape[0]
    tape = jax.tree.map(lambda s: jnp.zeros((time, *s.shape), s.dtype), state)
    outputs = _blank_outputs(step, params, state, inputs)

    def body(carry):
        t, state, tape, outputs = carry
        tape = _put(tape, state, t)
        state, output = _masked(step, params, state, _at(inputs, t), first, t < lengths)
        return t + 1, state, tape, _put(outputs, output, t)

    start = (0, state, tape, outputs)
    _, state, tape, outputs = lax.while_loop(lambda carry: carry[0] < n_steps, body, start)
    return (state, outputs), (params, tape, inputs, lengths)


def _backward(step, residuals, cotangents):
    params, tape, inputs, lengths = residuals
    d_state, d_outputs = cotangents
    reals, join = _split_reals(inputs)
    weights, join_weights = _split_reals(params)
    first = _first(inputs, lengths)

    def body(carry):
        t, d_state, d_weights, d_reals = carry
        t = t - 1

        def at_t(weights, state, reals):
            x = join(reals, _at(inputs, t))
            return _masked(step, join_weights(weights, params), state, x, first, t < lengths)

        _, vjp = jax.vjp(at_t, weights, _at(tape, t), _at(reals, t))
        d_weights_t, d_state, d_reals_t = vjp((d_state, _at(d_outputs, t)))
        return t, d_state, jax.tree.map(jnp.add, d_weights, d_weights_t), _put(d_reals, d_reals_t, t)

    start = (
        _longest(lengths),
        d_state,
        jax.tree.map(jnp.zeros_like, weights),
        jax.tree.map(jnp.zeros_like, reals),
    )
    _, d_state, d_weights, d_reals = lax.while_loop(lambda carry: carry[0] > 0, body, start)

    def no_gradient(tree):
        return jax.tree.map(lambda _: None, tree)

    return join_weights(d_weights, no_gradient(params)), d_state, join(d_reals, no_gradient(inputs)), None


unroll.defvjp(_forward, _backward)


def _within(lengths: Int[Array, "batch"], inputs) -> Int[Array, "batch"]:
    return jnp.clip(lengths, 0, jax.tree.leaves(inputs)[0].shape[0])


@custom_vmap
def _longest(lengths: Int[Array, "batch"]) -> Int[Array, ""]:
    """Return the number of steps to run; under `jax.vmap` the same for all, because a count for each would be slow."""
    return jnp.max(lengths)


@_longest.def_vmap
def _longest_of_all(axis_size, in_batched, lengths):
    return _longest(lengths.reshape(-1)), False


def _first(inputs, lengths: Int[Array, "batch"]):
    """The first input of each row; zeros for a row that has none."""
    first = _at(inputs, 0)
    return _choose(lengths > 0, first, jax.tree.map(jnp.zeros_like, first))


def _masked(step: Step, params, state, x, first, alive: Bool[Array, "batch"]):
    """One step for the rows that are alive; the others keep their state and put out zeros.

    What becomes of a row that has ended is thrown away, but in its gradient 0 · NaN is NaN: so it steps on its first
    input again, for which the step is known to be defined, and not on what stands in the padding.
    """
    new, output = step(params, state, _choose(alive, x, first))
    return _choose(alive, new, state), _choose(alive, output, jax.tree.map(jnp.zeros_like, output))


def _choose(alive: Bool[Array, "batch"], these, others):
    def choose(this, other):
        return jnp.where(alive.reshape(-1, *[1] * (this.ndim - 1)), this, other)

    return jax.tree.map(choose, these, others)


def _at(arrays, t):
    return jax.tree.map(lambda a: lax.dynamic_index_in_dim(a, t, keepdims=False), arrays)


def _put(arrays, values, t):
    return jax.tree.map(lambda a, v: lax.dynamic_update_index_in_dim(a, v, t, 0), arrays, values)


def _blank_outputs(step: Step, params, state, inputs):
    _, output = jax.eval_shape(step, params, state, _at(inputs, 0))
    time = jax.tree.leaves(inputs)[0].shape[0]
    return jax.tree.map(lambda o: jnp.zeros((time, *o.shape), o.dtype), output)


def _split_reals(inputs):
    """The real-valued leaves, which have a gradient, and a function that puts others in their place."""
    leaves, structure = jax.tree.flatten(inputs)
    real = [jnp.issubdtype(leaf.dtype, jnp.inexact) for leaf in leaves]

    def join(reals, whole):
        rest = jax.tree.leaves(whole, is_leaf=lambda leaf: leaf is None)
        reals = iter(reals)
        return structure.unflatten([next(reals) if r else leaf for r, leaf in zip(real, rest, strict=True)])

    return [leaf for leaf, r in zip(leaves, real, strict=True) if r], join
