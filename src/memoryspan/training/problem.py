"""The problem of a training: all that stays the same while its state changes."""

from dataclasses import dataclass

from memoryspan.backend import keras
from memoryspan.engine import Forward
from memoryspan.tasks import Task
from memoryspan.training.config import TrainConfig


@dataclass(frozen=True)
class Problem:
    """A model, a task, and how to train: what a compiled update depends on.

    Where several seeds train together, `model` is the first of their models, and `config` that of the first seed: the
    models differ in their weights alone, the configs in the seed alone.
    """

    model: keras.Model
    fwd: Forward
    task: Task
    config: TrainConfig

    @property
    def min_length(self) -> int:
        """The shortest length that both the task and the model take."""
        return self.fwd.length_from(self.task.min_length, self.task.length)
