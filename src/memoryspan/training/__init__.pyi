from .budget import Budget as Budget
from .curriculum import Curriculum as Curriculum
from .position import TrainSnapshot as TrainSnapshot
from .result import HistoryRow as HistoryRow
from .result import Result as Result
from .result import Status as Status
from .settings import TrainConfig as TrainConfig
from .state import restore as restore
from .trainer import positions as positions
from .trainer import train as train
from .trainer import train_seeds as train_seeds

__all__ = [
    "Budget",
    "Curriculum",
    "HistoryRow",
    "Result",
    "Status",
    "TrainConfig",
    "TrainSnapshot",
    "positions",
    "restore",
    "train",
    "train_seeds",
]
