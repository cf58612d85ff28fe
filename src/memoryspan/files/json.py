"""JSON of typed values: dataclasses, structs of msgspec, and numbers of NumPy."""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def from_json(content: bytes, of: type[T]) -> T:
    """Return JSON as a value of a type; raises `msgspec.DecodeError` where it is damaged."""
    try:
        return msgspec.json.decode(content, type=of)
    except UnicodeDecodeError as error:  # inside a string
        raise msgspec.DecodeError(str(error)) from error


def to_builtins(value: Any) -> Any:
    """Return a value as the dictionaries, lists and numbers that JSON has."""
    return msgspec.to_builtins(value, enc_hook=lambda number: number.item())
