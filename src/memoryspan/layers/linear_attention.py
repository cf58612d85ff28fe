"""Linear attention with decay, S' = diag(exp(g)) S + k vᵀ, o = S'ᵀ q: the recurrence of RetNet, GLA and Mamba-2."""

from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.layers.chunks import chunks_of, in_chunks
from memoryspan.layers.walk import checkpointed_walk

ops: Any = keras.ops  # annotated there as returning None

Keys = Float[Any, "batch time heads key"]
Values = Float[Any, "batch time heads value"]
Matrix = Float[Any, "batch heads key value"]

CHUNK = 16
"""Steps that `linear_attention` computes at once."""


def linear_attention_by_steps(
    q: Keys, k: Keys, v: Values, log_decay: Float[Any, "batch time heads #key"], state: Matrix, form=checkpointed_walk
) -> tuple[Values, Matrix]:
    """Return o at every step, and S after the last one, computed step by step: the definition."""

    def step(s, given):
        q, k, v, g = given
        s = ops.exp(g)[..., None] * s + k[..., None] * v[..., None, :]
        return s, ops.sum(q[..., None] * s, axis=-2)

    return form(step, state, (q, k, v, log_decay))


def linear_attention(
    q: Keys,
    k: Keys,
    v: Values,
    log_decay: Float[Any, "batch time heads #key"],
    state: Matrix,
    chunk: int = CHUNK,
) -> tuple[Values, Matrix]:
    """Return o at every step, and S after the last one, computed in chunks (Yang et al., arXiv 2312.06635, section 4).

    Within a chunk a step reads the ones before it as attention does, with weights exp(c_t - c_s) for the sum c of the
    log decays; what came before the chunk it reads from S. No exponent is above 0, so that nothing overflows.

    Args:
        q, k, v: queries, keys and values.
        log_decay: logarithms of the decays, at most 0: one for each number of a key, or one for a head.
        state: S before the first step.
        chunk: steps that are computed at once.
    """
    causal = np.tril(np.ones((chunk, chunk), "bool"))
    by_head = log_decay.shape[-1] == 1

    def one_chunk(s, given):
        q, k, v, g = given  # (batch, heads, chunk, ...)
        c = ops.cumsum(g, axis=-2)
        between = ops.where(causal[..., None], c[..., :, None, :] - c[..., None, :, :], 0.0)
        if by_head:
            scores = (q @ ops.swapaxes(k, -1, -2)) * ops.exp(between[..., 0])
        else:
            scores = ops.sum(q[..., :, None, :] * k[..., None, :, :] * ops.exp(between), axis=-1)
        o = ops.where(causal, scores, 0.0) @ v + (q * ops.exp(c)) @ s
        last = c[..., -1:, :]
        s = ops.exp(ops.swapaxes(last, -1, -2)) * s + ops.swapaxes(k * ops.exp(last - c), -1, -2) @ v
        return s, o

    return in_chunks(one_chunk, state, chunks_of((q, k, v, log_decay), chunk), q.shape[1])
