"""What remembers. One file a family, each a builder that returns an ordinary, compiled Keras model for a task."""

from memoryspan.errors import ModelError
from memoryspan.models.lstm import lstm

MODELS = {"lstm": lstm}
"""The builders of the package, by the name that the command line knows."""


def model_named(name: str):
    """The builder of this name; raises `ModelError` where there is none."""
    if name not in MODELS:
        raise ModelError(f"There is no model {name!r}: use {' or '.join(MODELS)}.")
    return MODELS[name]


__all__ = ["MODELS", "lstm", "model_named"]
