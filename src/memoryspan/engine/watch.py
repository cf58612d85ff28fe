"""Calls of a layer, watched wherever in a model they happen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

from memoryspan.backend import keras


@contextmanager
def watched(layer: keras.Layer, wrap: Callable[[Callable], Callable]) -> Iterator[None]:
    """Put `wrap(layer.call)` in the place of `layer.call` for a while."""
    call, attributes = layer.call, layer.__dict__
    before = {name: attributes[name] for name in ("call",) if name in attributes}
    attributes["call"] = wraps(call)(wrap(call))
    try:
        yield
    finally:
        del attributes["call"]
        attributes.update(before)
