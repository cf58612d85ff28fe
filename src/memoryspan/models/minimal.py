"""The two minimal recurrent layers: a residual stack of them and a dense layer."""

from memoryspan.backend import keras
from memoryspan.layers import MinGRU, MinLSTM
from memoryspan.layers.initializers import generator, layer_seed
from memoryspan.models.finalize import compiled, deferred_weights, require_trainable, with_head
from memoryspan.tasks import Task, require_task
from memoryspan.validate import checked, whole_number

KINDS = {"min_gru": MinGRU, "min_lstm": MinLSTM}
"""The layer by the name of its builder."""


@checked
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

    Feng et al., "Were RNNs All We Needed?" (arXiv 2410.01201). The gate of a layer does not depend on its own state, so
    one layer alone cannot tell one step from another; the second one can, by what the first one has counted. Each
    layer is normalised before and added to what it read, as in the paper; its convolutions and feed-forward parts are
    left out.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    return _min_rnn("min_gru", task, units, layers, learning_rate, global_clipnorm, seed)


@checked
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
    return _min_rnn("min_lstm", task, units, layers, learning_rate, global_clipnorm, seed)


def _min_rnn(
    name: str, task: Task, units: int, layers: int, learning_rate: float, global_clipnorm: float, seed: int | None
) -> keras.Model:
    """x ← x + layer(norm(x)), `layers` times, between a dense layer that encodes the input and one that answers.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    require_task(task)
    whole_number("units", units, at_least=1, instead="40, for example")
    whole_number("layers", layers, at_least=1, instead="2, for example")
    rng = generator(seed)
    with deferred_weights():
        inputs = keras.Input((None, task.n_features))
        x = keras.layers.Dense(units, kernel_initializer="zeros", name="encoder")(inputs)
        for number in range(1, layers + 1):
            y = keras.layers.LayerNormalization(name=f"norm_{number}")(x)
            y = KINDS[name](units, return_sequences=True, seed=layer_seed(rng), name=f"{name}_{number}")(y)
            x = keras.layers.Add(name=f"sum_{number}")([x, y])
        x = keras.layers.LayerNormalization(name="norm")(x)
        model = with_head(task, inputs, x, name)
        require_trainable(model, learning_rate)
    return compiled(model, task, rng, learning_rate=learning_rate, global_clipnorm=global_clipnorm)
