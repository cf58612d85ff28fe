"""Versioned JSON files: a format number first, so that an older reader knows what it cannot read."""

from typing import Any

import msgspec


class _Version(msgspec.Struct):
    """The part that every version of the format has."""

    format: int
    memoryspan: str


def plain(value: Any) -> Any:
    """Dataclasses and numbers of NumPy as the dictionaries and numbers of JSON."""
    return msgspec.to_builtins(value, enc_hook=lambda number: number.item())
