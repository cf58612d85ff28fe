"""The minimal LSTM, in a residual stack."""

from memoryspan.backend import keras
from memoryspan.models.min_rnn import min_rnn
from memoryspan.tasks import Task


def min_lstm(
    task: Task,
    *,
    units: int = 35,
    layers: int = 2,
    learning_rate: float = 5e-3,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """Layers of minLSTM(units), between a dense layer that encodes the input and one that answers, compiled.

    Feng et al., "Were RNNs All We Needed?" (arXiv 2410.01201). The stack is that of `min_gru`.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    return min_rnn("min_lstm", task, units, layers, learning_rate, global_clipnorm, seed)
