"""A short depthwise causal convolution: each feature reads itself at the last few steps.

Mamba, Griffin, Gated DeltaNet and others put one of four steps before their recurrence. With it a layer compares
neighbouring steps without its state, which decides tasks of recall (Arora et al., arXiv 2312.04927); so here it is an
option of every layer, and the same in all of them.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None

WIDTH = 4
"""The steps of the convolution in Mamba (arXiv 2312.00752, section 3.4), and in most of those that followed."""


def check_short_conv(steps: Any) -> None:
    """Raise `TaskError` unless this is a number of steps, or None for no convolution."""
    if steps is not None:
        whole_number("short_conv", steps, at_least=1, instead=f"{WIDTH}, or None")


def kernel_of(rng: np.random.Generator, steps: int, features: int) -> Float[np.ndarray, "steps features"]:
    """Draw a kernel, the oldest step first: uniform in ± 1/√steps, as PyTorch's `Conv1d` draws it."""
    limit = steps**-0.5
    return rng.uniform(-limit, limit, (steps, features)).astype(np.float32)


def short_convolution(
    x: Float[Any, "batch time features"],
    window: Float[Any, "batch steps-1 features"],
    kernel: Float[Any, "steps features"],
    bias: Float[Any, "features"] | None = None,
) -> tuple[Float[Any, "batch time features"], Float[Any, "batch steps-1 features"]]:
    """Return the convolution of each step and those before it, and the window that the next step reads."""
    steps, time = kernel.shape[0], x.shape[1]
    read = ops.concatenate([ops.cast(window, x.dtype), x], axis=1)
    outputs = sum(read[:, back : back + time] * kernel[back] for back in range(steps))
    return outputs if bias is None else outputs + bias, ops.cast(read[:, time:], window.dtype)
