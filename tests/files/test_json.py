import math
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan.files.json import from_json, to_builtins
from memoryspan.spec import Spec


@dataclass(frozen=True)
class Sizes:
    length: object
    rate: object


@given(st.integers(-(2**31), 2**31 - 1), st.floats(width=32, allow_nan=False))
def test_numbers_of_numpy_are_those_of_python(length, rate):
    found = to_builtins(Sizes(np.int32(length), np.float32(rate)))
    assert found == {"length": length, "rate": rate}
    assert [type(number) for number in found.values()] == [int, float]


def test_structs_and_tuples_are_dictionaries_and_lists():
    assert to_builtins((Spec("lstm", {"units": 3}), math.pi)) == (
        {"name": "lstm", "settings": {"units": 3}, "sha256": None},
        math.pi,
    )


@pytest.mark.parametrize("content", [b"", b"{", b'{"name": 3}', b'{"name": "\xff"}', b"[]"])
def test_damage_is_one_error(content):
    with pytest.raises(msgspec.DecodeError):
        from_json(content, Spec)
