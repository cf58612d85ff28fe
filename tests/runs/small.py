"""A training small enough for a test, for its processes too."""

from memoryspan import Budget, Echo, lstm
from memoryspan.training import TrainConfig

TASK = Echo(length=8, n_features=10)
SETTINGS = TrainConfig(seed=5, budget=Budget(examples=12_800))


def slow_model():
    """Has learned something, and far from all, when the budget is spent after 400 updates."""
    return lstm(TASK, units=10, learning_rate=1e-3, seed=5)
