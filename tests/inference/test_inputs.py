import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryspan.inference.inputs import MAX_ROWS, MAX_TOKENS, batches, next_power_of_two

LENGTHS = st.lists(st.tuples(st.integers(1, 2 * MAX_TOKENS), st.integers(1, MAX_ROWS + 9)), min_size=1, max_size=3)
"""Lengths, and how many sequences have each."""


@settings(max_examples=30)
@given(lengths=LENGTHS, ragged=st.booleans())
def test_batches_have_each_row_once_within_the_limits_of_rows_and_symbols(lengths, ragged):
    lengths = np.repeat(*np.transpose(lengths))
    found = list(batches(lengths, ragged))
    assert sorted(np.concatenate(found)) == list(range(len(lengths)))
    for rows in found:
        longest = int(lengths[rows].max())
        assert len(rows) <= MAX_ROWS
        assert len(rows) == 1 or len(rows) * next_power_of_two(longest) <= MAX_TOKENS
        assert ragged or longest == lengths[rows].min()
