from .budget import Budget as Budget
from .config import TrainConfig as TrainConfig
from .curriculum import Curriculum as Curriculum
from .result import HistoryRow as HistoryRow
from .result import Result as Result
from .result import Status as Status
from .schedule import LengthSchedule as LengthSchedule
from .schedule import UniformLengths as UniformLengths
from .snapshot import TrainSnapshot as TrainSnapshot
from .state import restore as restore
from .step import GradientGuard as GradientGuard
from .step import StepDecay as StepDecay
from .trainer import train as train
from .trainer import train_chunks as train_chunks
from .trainer import train_seeds as train_seeds

__all__ = [
    "Budget",
    "Curriculum",
    "GradientGuard",
    "HistoryRow",
    "LengthSchedule",
    "Result",
    "Status",
    "StepDecay",
    "TrainConfig",
    "TrainSnapshot",
    "UniformLengths",
    "restore",
    "train",
    "train_chunks",
    "train_seeds",
]
