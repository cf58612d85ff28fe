"""Rows of several lengths, put together as a model takes them."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

MAX_ROWS = 1024
"""Sequences that go through a model in one call, at most."""

MAX_TOKENS = 2**22
"""Time steps of all sequences that go through a model in one call, at most: this bounds the memory."""


def batches(lengths: Int[np.ndarray, "rows"], ragged: bool) -> Iterator[Int[np.ndarray, "batch"]]:
    """Yield the numbers of the rows that go through the model together: of like lengths, or of equal ones."""
    order = np.argsort(lengths, kind="stable")
    groups = [order] if ragged else np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    for group in groups:
        height = min(MAX_ROWS, max(1, MAX_TOKENS // next_power_of_two(int(lengths[group[-1]]))))
        yield from (group[first : first + height] for first in range(0, len(group), height))


def pad_rows(rows: list[np.ndarray], width: int) -> np.ndarray:
    """Return the rows in one array, its height rounded up to a power of two."""
    array = np.zeros((next_power_of_two(len(rows)), width, *rows[0].shape[1:]), rows[0].dtype)
    for into, row in zip(array, rows, strict=False):
        into[: len(row)] = row
    return array


def next_power_of_two(number: int) -> int:
    """Return the least power of two from `number` on: with such sizes few shapes are ever compiled."""
    return 1 << (number - 1).bit_length()
