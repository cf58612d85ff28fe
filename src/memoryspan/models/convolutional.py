"""A temporal convolutional network."""

from typing import Literal, get_args

from memoryspan.backend import keras
from memoryspan.layers import CausalConv
from memoryspan.layers.initializers import generator, layer_seed
from memoryspan.models.finalize import compiled, deferred_weights, require_trainable, with_head
from memoryspan.tasks import Task, require_task
from memoryspan.validate import checked, choice, whole_number

LAYERS = keras.layers

Norm = Literal["layer", "weight"]

MOST_LAYERS = 31
"""Blocks, of which the last sees as far back as the longest sequence is."""

INITIAL_SCALE = 0.2
"""Of a block's second convolution with weights normalised: else their sum begins the larger the more there are."""


@checked
def tcn(
    task: Task,
    *,
    units: int = 20,
    kernel_size: int = 3,
    layers: int | None = None,
    norm: Norm = "layer",
    learning_rate: float = 3e-3,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """Residual blocks of two dilated causal convolutions with `units` filters, and a dense layer, compiled.

    Bai et al. (arXiv 1803.01271), without their dropout and the ReLU behind the sum. With `norm` "layer" each step is
    normalised in front of a block and of the answer: so it learns `Echo()`. With "weight" the weights of convolutions
    are, as theirs, and the second of a block begins small: so an answer that is a number becomes precise.

    Block i, counted from 0, is dilated by 2^i, so that `layers` blocks see 1 + 2 (kernel_size - 1) (2^layers - 1)
    steps, and nothing before them.

    Args:
        task: what to learn.
        units: filters of a convolution.
        kernel_size: steps that a convolution reads.
        layers: blocks; None for the least number that sees all of `task.length`.
        norm: "layer" or "weight", the normalisation.
        learning_rate: of Adam.
        global_clipnorm: the greatest norm of a gradient.
        seed: decides the initial weights; None draws others each time.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    require_task(task)
    whole_number("units", units, at_least=1, instead="20, for example")
    whole_number("kernel_size", kernel_size, at_least=2, instead="3, for example")
    if layers is None:
        layers = next(n for n in range(1, MOST_LAYERS + 1) if receptive_field(kernel_size, n) >= task.length)
    whole_number("layers", layers, at_least=1, at_most=MOST_LAYERS, instead="4, for example")
    choice("norm", norm, get_args(Norm))
    rng = generator(seed)
    with deferred_weights():
        inputs = keras.Input((None, task.n_features))
        x = LAYERS.Dense(units, kernel_initializer="zeros", name="encoder")(inputs)
        for number in range(1, layers + 1):
            y = LAYERS.LayerNormalization(name=f"norm_{number}")(x) if norm == "layer" else x
            for part in ("first", "second"):
                dilated = CausalConv(
                    units,
                    kernel_size,
                    dilation=2 ** (number - 1),
                    weight_norm=norm == "weight",
                    initial_scale=INITIAL_SCALE if norm == "weight" and part == "second" else 1.0,
                    seed=layer_seed(rng),
                    name=f"{part}_{number}",
                )
                y = dilated(y)
            x = LAYERS.Add(name=f"sum_{number}")([x, y])
        if norm == "layer":
            x = LAYERS.LayerNormalization(name="norm")(x)
        model = with_head(task, inputs, x, "tcn")
        require_trainable(model, learning_rate)
    return compiled(model, task, rng, learning_rate=learning_rate, global_clipnorm=global_clipnorm)


def receptive_field(kernel_size: int, layers: int) -> int:
    """The steps, this one and those before, on which the answer of that many blocks depends."""
    return 1 + 2 * (kernel_size - 1) * (2**layers - 1)
