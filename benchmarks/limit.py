"""The arithmetic limit of the machine: multiply-adds per second in products of large matrices of 32-bit floats.

There NumPy's BLAS keeps the arithmetic units of every core about as busy as they can be, which makes it an upper limit
for anything that consists of products of small matrices.
"""

from collections.abc import Callable

import numpy as np

LIMIT = "arithmetic limit"

SIZE = 1024
"""Rows and columns: their product takes 1.07e9 multiply-adds, a few hundredths of a second."""


def at_the_limit(multiply_adds: int, examples: int) -> Callable[[], int]:
    """Return a job that does the multiply-adds of about this many examples, and returns how many they amount to."""
    a, b, out = np.random.default_rng(0).random((3, SIZE, SIZE), np.float32)
    products = max(1, round(multiply_adds * examples / SIZE**3))

    def sample() -> int:
        for _ in range(products):
            np.matmul(a, b, out=out)
        return round(products * SIZE**3 / multiply_adds)

    return sample
