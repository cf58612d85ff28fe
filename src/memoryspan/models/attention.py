"""A causal transformer."""

from memoryspan.backend import keras
from memoryspan.layers import CausalSelfAttention
from memoryspan.layers.causal_self_attention import Positions, check_positions
from memoryspan.layers.initializers import generator, layer_seed
from memoryspan.models.finalize import compiled, deferred_weights, require_trainable, with_head
from memoryspan.tasks import Task, require_task
from memoryspan.validate import checked, whole_number

LAYERS = keras.layers

WIDER = 4
"""The feed-forward part, in multiples of the width (Vaswani et al., arXiv 1706.03762, section 3.3)."""


@checked
def transformer(
    task: Task,
    *,
    units: int = 20,
    heads: int = 4,
    layers: int = 2,
    positions: Positions = "rotary",
    learning_rate: float = 3e-3,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """Blocks of causal self-attention and a feed-forward part, of `units` features, between two dense layers, compiled.

    The decoder of Vaswani et al. (arXiv 1706.03762), normalised before each part (Xiong et al., arXiv 2002.04745) and
    at the end. Positions are told apart by rotary embeddings (Su et al., arXiv 2104.09864), or with "none" by nothing
    but causality. Unlike the published decoder, every attention has a learned key and value before the first step,
    which each step sees (Xiao et al., arXiv 2309.17453). A head is `units` / `heads` wide, rounded up to an even
    number, so that any `units` go.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    require_task(task)
    whole_number("units", units, at_least=1, instead="20, for example")
    whole_number("heads", heads, at_least=1, instead="4, for example")
    whole_number("layers", layers, at_least=1, instead="2, for example")
    check_positions(positions)
    head_size = 2 * -(-units // (2 * heads))
    rng = generator(seed)
    with deferred_weights():
        inputs = keras.Input((None, task.n_features))
        x = LAYERS.Dense(units, kernel_initializer="zeros", name="encoder")(inputs)
        for number in range(1, layers + 1):
            attention = CausalSelfAttention(
                heads, head_size, positions=positions, seed=layer_seed(rng), name=f"attention_{number}"
            )
            y = attention(LAYERS.LayerNormalization(name=f"attention_norm_{number}")(x))
            x = LAYERS.Add(name=f"attention_sum_{number}")([x, y])
            x = LAYERS.Add(name=f"feed_forward_sum_{number}")([x, _feed_forward(x, units, number)])
        x = LAYERS.LayerNormalization(name="norm")(x)
        model = with_head(task, inputs, x, "transformer")
        require_trainable(model, learning_rate)
    return compiled(model, task, rng, learning_rate=learning_rate, global_clipnorm=global_clipnorm)


def _feed_forward(x: keras.KerasTensor, units: int, number: int) -> keras.KerasTensor:
    """Two dense layers, on each step alone."""
    x = LAYERS.LayerNormalization(name=f"feed_forward_norm_{number}")(x)
    x = LAYERS.Dense(WIDER * units, "relu", kernel_initializer="zeros", name=f"widen_{number}")(x)
    return LAYERS.Dense(units, kernel_initializer="zeros", name=f"narrow_{number}")(x)
