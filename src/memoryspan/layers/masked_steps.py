"""A masked step is skipped: the steps that a mask shows are moved to the front, and outputs are moved back.

So a layer that looks back over steps, by a state, a window or a cache, needs no code for masks, and cannot get one of
them wrong.
"""

from typing import Any

from jaxtyping import Bool, Float

from memoryspan.backend import keras

ops: Any = keras.ops  # annotated there as returning None

Sequence = Float[Any, "batch time features"]
Mask = Bool[Any, "batch time"]


def shown_first(x: Sequence, mask: Mask) -> Sequence:
    """Return the steps that the mask shows, in their order, and then zeros.

    Zeros, because a NaN in the padding would come back in the gradient, where 0 · NaN is NaN.
    """
    steps = ops.arange(x.shape[1])
    order = ops.argsort(ops.where(mask, steps, steps + x.shape[1]), axis=1)
    return ops.take_along_axis(ops.where(mask[..., None], x, 0.0), order[..., None], axis=1)


def back_in_place(outputs: Sequence, mask: Mask) -> Sequence:
    """Return the outputs of `shown_first` steps at the places of those steps.

    As in Keras's recurrent layers, a masked step repeats the output before it, or is zero where there is none.
    """
    shown = ops.cumsum(ops.cast(mask, "int32"), axis=1)[..., None]
    found = ops.take_along_axis(outputs, ops.maximum(shown - 1, 0), axis=1)
    return ops.where(shown > 0, found, 0.0)
