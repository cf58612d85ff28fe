"""How a model learns: curriculum, trainer, budget. Knows tasks and the engine, and writes no files.

Names are loaded when they are first used, so that a budget is read without JAX and Keras.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memoryspan.training.budget import Budget as Budget
    from memoryspan.training.curriculum import Curriculum as Curriculum
    from memoryspan.training.position import Position as Position
    from memoryspan.training.result import Result as Result
    from memoryspan.training.result import Row as Row
    from memoryspan.training.result import Status as Status
    from memoryspan.training.settings import Settings as Settings
    from memoryspan.training.state import restore as restore
    from memoryspan.training.trainer import positions as positions
    from memoryspan.training.trainer import train as train
    from memoryspan.training.trainer import train_together as train_together

_HOME = {
    "Budget": "budget",
    "Curriculum": "curriculum",
    "Position": "position",
    "Result": "result",
    "Row": "result",
    "Settings": "settings",
    "Status": "result",
    "positions": "trainer",
    "restore": "state",
    "train": "trainer",
    "train_together": "trainer",
}
"""The module of each public name."""

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'memoryspan.training' has no attribute {name!r}")
    return getattr(import_module(f"memoryspan.training.{_HOME[name]}"), name)
