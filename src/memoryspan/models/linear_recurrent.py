"""The linear recurrent unit, in the residual block of its paper."""

from memoryspan.backend import keras
from memoryspan.layers import LRU
from memoryspan.layers.initializers import generator, layer_seed
from memoryspan.models.finalize import compiled, deferred_weights, require_trainable, with_head
from memoryspan.tasks import Task, require_task
from memoryspan.validate import checked, whole_number

LAYERS = keras.layers


@checked
def lru(
    task: Task,
    *,
    units: int = 27,
    layers: int = 2,
    r_min: float = 0.9,
    r_max: float = 0.999,
    learning_rate: float = 3e-3,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """Blocks of an LRU of `units` complex numbers and as many features, between two dense layers, compiled.

    Orvieto et al., "Resurrecting Recurrent Neural Networks for Long Sequences" (arXiv 2303.06349), figure 1: a block
    is normalisation, LRU, a gated linear unit, and the sum with what it read. The normalisation is by step, and not
    over the batch as in the paper, so that an answer depends on no other example. The eigenvalues begin between the
    radii `r_min` and `r_max`: one at |λ| remembers for about 1 / (1 - |λ|) steps.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    require_task(task)
    whole_number("units", units, at_least=1, instead="27, for example")
    whole_number("layers", layers, at_least=1, instead="2, for example")
    rng = generator(seed)
    with deferred_weights():
        inputs = keras.Input((None, task.n_features))
        x = LAYERS.Dense(units, kernel_initializer="zeros", name="encoder")(inputs)
        for number in range(1, layers + 1):
            of_ring = LRU(
                units, r_min=r_min, r_max=r_max, return_sequences=True, seed=layer_seed(rng), name=f"lru_{number}"
            )
            y = of_ring(LAYERS.LayerNormalization(name=f"norm_{number}")(x))
            x = LAYERS.Add(name=f"sum_{number}")([x, _gated(y, units, number)])
        model = with_head(task, inputs, x, "lru")
        require_trainable(model, learning_rate)
    return compiled(model, task, rng, learning_rate=learning_rate, global_clipnorm=global_clipnorm)


def _gated(x: keras.KerasTensor, units: int, number: int) -> keras.KerasTensor:
    """(x W + b) sigmoid(x V + c): a gated linear unit (Dauphin et al., arXiv 1612.08083)."""
    value = LAYERS.Dense(units, kernel_initializer="zeros", name=f"value_{number}")(x)
    gate = LAYERS.Dense(units, "sigmoid", kernel_initializer="zeros", name=f"gate_{number}")(x)
    return LAYERS.Multiply(name=f"gated_{number}")([value, gate])
