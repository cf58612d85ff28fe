"""The tutorial's network: one LSTM and one dense layer, or more LSTMs."""

from memoryspan.backend import keras
from memoryspan.models.recurrent import recurrent
from memoryspan.tasks import Task


def lstm(
    task: Task,
    *,
    units: int = 25,
    layers: int = 1,
    bidirectional: bool = False,
    chrono: int | None = None,
    learning_rate: float = 2e-2,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """LSTM(units) and a dense layer that fits the task's answer, compiled, for sequences of any length.

    The cell is Hochreiter & Schmidhuber's (Neural Computation 9(8), 1997), with the forget gate of Gers et al. (2000).
    On `Echo()` these are the tutorial's 12,600 + 2,600 parameters. The learning rate is twenty times Adam's default,
    and the gradient is clipped (by its global norm) to make that safe: a choice for speed, not what makes it learn.

    Args:
        task: what to learn.
        units: memory cells of a layer.
        layers: LSTMs, each of which reads what the one before answers at every step.
        bidirectional: read in both directions, with `units` cells each (Schuster & Paliwal 1997).
        chrono: the longest dependency that is expected, in time steps: the units begin with memories of every length
            up to it, by the biases of their forget and input gates (Tallec & Ollivier, ICLR 2018, arXiv 1804.11188,
            equation 16). With None they all begin alike, with Keras's bias of 1 for the forget gate.
        learning_rate: of Adam.
        global_clipnorm: the greatest norm of a gradient.
        seed: decides the initial weights; None draws others each time.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    return recurrent("lstm", task, units, layers, bidirectional, learning_rate, global_clipnorm, seed, chrono)
