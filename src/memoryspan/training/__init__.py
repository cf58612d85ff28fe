"""How a model learns: curriculum, trainer, budget. Knows tasks and the engine, and writes no files."""

from memoryspan.training.budget import Budget
from memoryspan.training.curriculum import Curriculum
from memoryspan.training.result import Result, Row, Status
from memoryspan.training.trainer import Position, Settings, positions, restore, train

__all__ = ["Budget", "Curriculum", "Position", "Result", "Row", "Settings", "Status", "positions", "restore", "train"]
