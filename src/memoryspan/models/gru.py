"""The gated recurrent unit, in a stack and a dense layer."""

from memoryspan.backend import keras
from memoryspan.models.recurrent import recurrent
from memoryspan.tasks import Task


def gru(
    task: Task,
    *,
    units: int = 30,
    layers: int = 1,
    bidirectional: bool = False,
    chrono: int | None = None,
    learning_rate: float = 1e-2,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """GRU(units) and a dense layer that fits the task's answer, compiled, for sequences of any length.

    The unit is that of Cho et al. (arXiv 1406.1078, version 3), Keras's default: the reset gate acts after the product.
    On `Echo()` the default has about as many parameters as the tutorial's LSTM. The other settings are `lstm`'s.

    Of `chrono` for a GRU the paper gives no formula. Here it follows from the paper's general gated network: what a
    unit adds has the weight 1/T, and T is uniform in [2, chrono]. Keras's update gate multiplies the old state, which
    has the weight 1 - 1/T, so its bias is plus the log of uniform in [1, chrono - 1].

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    return recurrent("gru", task, units, layers, bidirectional, learning_rate, global_clipnorm, seed, chrono)
