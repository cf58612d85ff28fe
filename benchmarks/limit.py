"""What the machine could do: multiply-adds a second, in the product of two large matrices of 32-bit floats.

There NumPy's BLAS keeps every core's arithmetic units about as busy as they can be: an upper limit for anything that
is made of products of small ones.
"""

from collections.abc import Callable

import numpy as np

LIMIT = "arithmetic limit"

SIZE = 1024
"""Rows and columns: their product takes 1.07e9 multiply-adds, some hundredths of a second."""


def at_the_limit(multiply_adds: int, examples: int) -> Callable[[], int]:
    """A job that does the multiply-adds of about so many examples, and gives the number of examples they stand for."""
    a, b, out = np.random.default_rng(0).random((3, SIZE, SIZE), np.float32)
    products = max(1, round(multiply_adds * examples / SIZE**3))

    def lap() -> int:
        for _ in range(products):
            np.matmul(a, b, out=out)
        return round(products * SIZE**3 / multiply_adds)

    return lap
