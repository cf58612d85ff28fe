"""The minimal GRU, in a residual stack."""

from memoryspan.backend import keras
from memoryspan.models.min_rnn import min_rnn
from memoryspan.tasks import Task


def min_gru(
    task: Task,
    *,
    units: int = 40,
    layers: int = 2,
    learning_rate: float = 5e-3,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """Layers of minGRU(units), between a dense layer that encodes the input and one that answers, compiled.

    Feng et al., "Were RNNs All We Needed?" (arXiv 2410.01201). The gate of a layer does not look at its own state, so
    one layer alone cannot tell one step from another; the second one can, by what the first one has counted. Each
    layer is normalised before and added to what it read, as in the paper; its convolutions and feed-forward parts are
    left out.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    return min_rnn("min_gru", task, units, layers, learning_rate, global_clipnorm, seed)
