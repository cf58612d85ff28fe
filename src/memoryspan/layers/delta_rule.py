"""The gated delta rule, S' = α (I - β k kᵀ) S + β k vᵀ, o = S'ᵀ q: the recurrence of DeltaNet.

S maps keys to values. A step takes a share β of what S maps k to out of it, and puts a share β of v in its place. With
unit keys, I - β k kᵀ has the eigenvalue 1 - β along k, and 1 elsewhere.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.layers.chunks import chunks_of, in_chunks
from memoryspan.layers.linear_attention import Keys, Matrix, Values
from memoryspan.layers.walk import checkpointed_walk

ops: Any = keras.ops  # annotated there as returning None

PerHead = Float[Any, "batch time heads 1"]

CHUNK = 16
"""Steps that `delta_rule` computes at once."""


def delta_rule_by_steps(
    q: Keys, k: Keys, v: Values, beta: PerHead, log_decay: PerHead, state: Matrix, form=checkpointed_walk
) -> tuple[Values, Matrix]:
    """Return o at every step, and S after the last one, computed step by step: the definition."""

    def step(s, given):
        q, k, v, beta, g = given
        s = ops.exp(g)[..., None] * s
        found = ops.sum(k[..., None] * s, axis=-2)
        s = s + k[..., None] * (beta * (v - found))[..., None, :]
        return s, ops.sum(q[..., None] * s, axis=-2)

    return form(step, state, (q, k, v, beta, log_decay))


def delta_rule(
    q: Keys, k: Keys, v: Values, beta: PerHead, log_decay: PerHead, state: Matrix, chunk: int = CHUNK
) -> tuple[Values, Matrix]:
    """Return o at every step, and S after the last one, in chunks (Yang et al., arXiv 2412.06464, section 3.3).

    What the steps of a chunk write follows from a triangular system, in which each step sees what those before it
    wrote: the WY form of the product of their Householder matrices (Yang et al., arXiv 2406.06484, section 3.2).

    Args:
        q, k, v: queries, keys of length 1, and values.
        beta: from 0 to 2, the share that is replaced.
        log_decay: logarithms of α, at most 0.
        state: S before the first step.
        chunk: steps that are computed at once.
    """
    causal, before = (np.tril(np.ones((chunk, chunk), "bool"), diagonal) for diagonal in (0, -1))
    identity = np.eye(chunk, dtype=state.dtype)

    def one_chunk(s, given):
        q, k, v, beta, g = given  # (batch, heads, chunk, ...)
        c = ops.cumsum(g, axis=-2)
        decay = ops.where(causal, ops.exp(ops.where(causal, c - ops.swapaxes(c, -1, -2), 0.0)), 0.0)
        k_t = ops.swapaxes(k, -1, -2)
        system = identity + ops.where(before, beta * (k @ k_t) * decay, 0.0)
        written = ops.solve_triangular(system, beta * (v - (k * ops.exp(c)) @ s), lower=True)
        o = (q * ops.exp(c)) @ s + ((q @ k_t) * decay) @ written
        last = c[..., -1:, :]
        s = ops.exp(last) * s + ops.swapaxes(k * ops.exp(last - c), -1, -2) @ written
        return s, o

    return in_chunks(one_chunk, state, chunks_of((q, k, v, beta, log_decay), chunk), q.shape[1])
