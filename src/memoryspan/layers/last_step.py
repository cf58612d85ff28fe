"""The last step of a sequence that is not padding."""

from typing import Any

from jaxtyping import Bool, Float

from memoryspan.backend import keras

ops: Any = keras.ops  # annotated there as giving None


@keras.saving.register_keras_serializable(package="memoryspan")
class LastStep(keras.layers.Layer):
    """Picks the last step that the mask marks; the last one of all without a mask, or in a row with nothing marked."""

    def __init__(self, **kwargs):
        """Of any layer's arguments."""
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Float[Any, "batch time features"], mask=None) -> Float[Any, "batch features"]:
        """One vector a row."""
        return last_step(inputs, mask)

    def compute_mask(self, inputs, previous_mask=None):
        """None: there is no time left to mask."""
        return

    def compute_output_shape(self, input_shape):
        """The shape without time."""
        batch, _, features = input_shape
        return batch, features


def last_step(
    x: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None
) -> Float[Any, "batch features"]:
    """The last step of each row that the mask marks."""
    if mask is None:
        return x[:, -1]
    last = x.shape[1] - 1 - ops.argmax(ops.flip(mask, axis=1), axis=1)
    return ops.take_along_axis(x, last[:, None, None], axis=1)[:, 0]
