"""Rows of several lengths, put together as a model takes them."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

ROWS, SYMBOLS = 1024, 2**22
"""What goes through a model in one call at most: bounds the memory, however many the sequences and however long."""


def batches(lengths: Int[np.ndarray, "rows"], ragged: bool) -> Iterator[Int[np.ndarray, "batch"]]:
    """The numbers of the rows that go through the model together: of like lengths, or of equal ones."""
    order = np.argsort(lengths, kind="stable")
    groups = [order] if ragged else np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    for group in groups:
        height = min(ROWS, max(1, SYMBOLS // rounded_up(int(lengths[group[-1]]))))
        yield from (group[first : first + height] for first in range(0, len(group), height))


def padded(rows: list[np.ndarray], width: int) -> np.ndarray:
    """The rows in one array, its height rounded up."""
    array = np.zeros((rounded_up(len(rows)), width, *rows[0].shape[1:]), rows[0].dtype)
    for into, row in zip(array, rows, strict=False):
        into[: len(row)] = row
    return array


def rounded_up(number: int) -> int:
    """To a power of two, so that few shapes are ever compiled."""
    return 1 << (number - 1).bit_length()
