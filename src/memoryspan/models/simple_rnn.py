"""The simple recurrent network, without gates, in a stack and a dense layer."""

from memoryspan.backend import keras
from memoryspan.models.recurrent import recurrent
from memoryspan.tasks import Task


def simple_rnn(
    task: Task,
    *,
    units: int = 57,
    layers: int = 1,
    bidirectional: bool = False,
    learning_rate: float = 1e-2,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """SimpleRNN(units) and a dense layer that fits the task's answer, compiled, for sequences of any length.

    Elman's network (Cognitive Science 14(2), 1990). On `Echo()` the default has about as many parameters as the
    tutorial's LSTM. The other settings are `lstm`'s.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    return recurrent("simple_rnn", task, units, layers, bidirectional, learning_rate, global_clipnorm, seed)
