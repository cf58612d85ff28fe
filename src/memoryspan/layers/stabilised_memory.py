"""The recurrence of mLSTM, C' = f C + i k vᵀ, n' = f n + i k, h = C'ᵀ q / max(|n'ᵀ q|, 1), with i an exponential.

exp would overflow, so that C and n are kept divided by exp(m), where m is the largest logarithm of a gate so far (Beck
et al., arXiv 2405.04517, appendix A).
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.layers.chunks import chunks_of, in_chunks
from memoryspan.layers.linear_attention import CHUNK, Keys, Matrix, Values
from memoryspan.layers.walk import checkpointed_walk

ops: Any = keras.ops  # annotated there as returning None

PerHead = Float[Any, "batch time heads 1"]
Memory = tuple[Matrix, Float[Any, "batch heads key 1"], Float[Any, "batch heads 1 1"]]
"""C and n, both divided by exp(m), and m."""

EPSILON = 1e-6
"""What is added to the denominator."""

NOTHING = -1e30
"""The logarithm of a gate that lets nothing in."""


def memory_by_steps(
    q: Keys, k: Keys, v: Values, log_input: PerHead, log_forget: PerHead, state: Memory, form=checkpointed_walk
) -> tuple[Values, Memory]:
    """Return h at every step, and C, n and m after the last one, computed step by step: the definition."""

    def step(memory, given):
        c, n, m = memory
        q, k, v, i, f = given
        i, f = i[..., None], f[..., None]
        new = ops.maximum(f + m, i)
        i, f = ops.exp(i - new), ops.exp(f + m - new)
        c, n = f * c + i * (k[..., None] * v[..., None, :]), f * n + i * k[..., None]
        top, bottom = ops.sum(q[..., None] * c, axis=-2), ops.sum(q[..., None] * n, axis=-2)
        return (c, n, new), top / (ops.maximum(ops.abs(bottom), ops.exp(-new[..., 0])) + EPSILON)

    return form(step, state, (q, k, v, log_input, log_forget))


def memory_in_chunks(
    q: Keys, k: Keys, v: Values, log_input: PerHead, log_forget: PerHead, state: Memory, chunk: int = CHUNK
) -> tuple[Values, Memory]:
    """Return h at every step, and C, n and m after the last one, with the steps of a chunk computed at once.

    Args:
        q, k, v: queries, keys and values.
        log_input, log_forget: logarithms of the gates.
        state: C, n and m before the first step.
        chunk: steps that are computed at once.
    """
    causal = np.tril(np.ones((chunk, chunk), "bool"))

    def one_chunk(memory, given):
        c, n, m = memory
        q, k, v, i, f = given  # (batch, heads, chunk, ...)
        b = ops.cumsum(f, axis=-2)
        weights = ops.where(causal, b - ops.swapaxes(b, -1, -2) + ops.swapaxes(i, -1, -2), NOTHING)
        here = ops.maximum(ops.max(weights, axis=-1, keepdims=True), b + m)
        scores = (q @ ops.swapaxes(k, -1, -2)) * ops.exp(weights - here)
        before = q * ops.exp(b + m - here)
        bottom = ops.sum(scores, axis=-1, keepdims=True) + before @ n
        h = (scores @ v + before @ c) / (ops.maximum(ops.abs(bottom), ops.exp(-here)) + EPSILON)
        whole = b[..., -1:, :]
        lasting = whole - b + i
        new = ops.maximum(whole + m, ops.max(lasting, axis=-2, keepdims=True))
        kept, written = ops.exp(whole + m - new), ops.swapaxes(k * ops.exp(lasting - new), -1, -2)
        return (kept * c + written @ v, kept * n + ops.sum(written, axis=-1, keepdims=True), new), h

    q, k, v, f = chunks_of((q, k, v, log_forget), chunk)
    i = chunks_of(log_input, chunk, fill=NOTHING)
    return in_chunks(one_chunk, state, (q, k, v, i, f), log_input.shape[1])
