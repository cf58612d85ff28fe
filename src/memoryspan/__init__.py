"""How far back can your model remember?

The vanilla LSTM tutorial, solved, and turned into an instrument. Names are loaded when they are first used: `import
memoryspan` imports neither JAX nor Keras.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

from memoryspan._version import __version__ as __version__

# Keras chooses its backend at its first import, which may well be the user's own, right after this one.
os.environ.setdefault("KERAS_BACKEND", "jax")

if TYPE_CHECKING:
    from memoryspan.engine import forward as forward
    from memoryspan.engine import unroll as unroll
    from memoryspan.engine import variables_of as variables_of
    from memoryspan.errors import BackendError as BackendError
    from memoryspan.errors import MemoryspanError as MemoryspanError
    from memoryspan.errors import ModelError as ModelError
    from memoryspan.errors import RunError as RunError
    from memoryspan.errors import TaskError as TaskError
    from memoryspan.evaluation import Accuracy as Accuracy
    from memoryspan.evaluation import evaluate as evaluate
    from memoryspan.models import lstm as lstm
    from memoryspan.prediction import predict as predict
    from memoryspan.spans.capacity import memory_capacity as memory_capacity
    from memoryspan.spans.held import held_span as held_span
    from memoryspan.tasks import Batch as Batch
    from memoryspan.tasks import Echo as Echo
    from memoryspan.tasks import Task as Task
    from memoryspan.tracing import Trace as Trace
    from memoryspan.tracing import saliency as saliency
    from memoryspan.tracing import trace as trace
    from memoryspan.training import Budget as Budget
    from memoryspan.training import Curriculum as Curriculum
    from memoryspan.training import Result as Result
    from memoryspan.training import Status as Status
    from memoryspan.training import train as train
    from memoryspan.training import train_together as train_together
    from memoryspan.training.tensorboard import TensorBoard as TensorBoard
    from memoryspan.tutorial import generate_example as generate_example
    from memoryspan.tutorial import generate_sequence as generate_sequence
    from memoryspan.tutorial import one_hot_decode as one_hot_decode
    from memoryspan.tutorial import one_hot_encode as one_hot_encode
    from memoryspan.tutorial import vanilla_lstm as vanilla_lstm

_HOME = {
    "Accuracy": "evaluation",
    "BackendError": "errors",
    "Batch": "tasks",
    "Budget": "training",
    "Curriculum": "training",
    "Echo": "tasks",
    "MemoryspanError": "errors",
    "ModelError": "errors",
    "Result": "training",
    "RunError": "errors",
    "Status": "training",
    "Task": "tasks",
    "TaskError": "errors",
    "TensorBoard": "training.tensorboard",
    "evaluate": "evaluation",
    "forward": "engine",
    "generate_example": "tutorial",
    "generate_sequence": "tutorial",
    "lstm": "models",
    "one_hot_decode": "tutorial",
    "one_hot_encode": "tutorial",
    "predict": "prediction",
    "Trace": "tracing",
    "saliency": "tracing",
    "trace": "tracing",
    "train": "training",
    "train_together": "training",
    "held_span": "spans.held",
    "memory_capacity": "spans.capacity",
    "unroll": "engine",
    "vanilla_lstm": "tutorial",
    "variables_of": "engine",
}
"""The module of each public name."""

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'memoryspan' has no attribute {name!r}")
    return getattr(import_module(f"memoryspan.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
