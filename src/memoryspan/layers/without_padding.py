"""What a mask hides is not there, whatever stands in it."""

from typing import Any

from jaxtyping import Bool, Float

from memoryspan.backend import keras


def without_padding(
    x: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None
) -> Float[Any, "batch time features"]:
    """Zeros at the steps that the mask hides: a NaN there would come back in the gradient, where 0 · NaN is NaN."""
    return x if mask is None else keras.ops.where(mask[..., None], x, 0.0)
