"""What remembers. One file a family, each a builder that returns an ordinary, compiled Keras model for a task."""

from memoryspan.models.lstm import lstm

MODELS = {"lstm": lstm}
"""The builders of the package, by the name that the command line knows."""

__all__ = ["MODELS", "lstm"]
