"""How far back can your model remember?

The vanilla LSTM tutorial, solved, and turned into an instrument. Names are loaded when they are first used: `import
memoryspan` imports neither JAX nor Keras.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "Accuracy": "evaluation",
    "Budget": "training",
    "Curriculum": "training",
    "Echo": "tasks",
    "MemoryspanError": "errors",
    "Result": "training",
    "Status": "training",
    "evaluate": "evaluation",
    "forward": "engine",
    "generate_example": "tutorial",
    "generate_sequence": "tutorial",
    "lstm": "models",
    "one_hot_decode": "tutorial",
    "one_hot_encode": "tutorial",
    "train": "training",
    "unroll": "engine",
    "vanilla_lstm": "tutorial",
}
"""The module of each public name."""

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'memoryspan' has no attribute {name!r}")
    return getattr(import_module(f"memoryspan.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
