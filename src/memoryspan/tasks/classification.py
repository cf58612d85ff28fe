"""The loss, the activation and the judgement of tasks that are answered with a class."""

from typing import ClassVar

from jaxtyping import Array, Bool, Float, Int


class Classification:
    """A task that is answered with one of `n_outputs` classes: the most probable one is the answer."""

    loss: ClassVar[str] = "categorical_crossentropy"
    activation: ClassVar[str] = "softmax"

    def correct(
        self, predictions: Float[Array, "batch *steps outputs"], targets: Int[Array, "batch *steps"]
    ) -> Bool[Array, "batch *steps"]:
        """Return whether the most probable class is the right one."""
        return predictions.argmax(-1) == targets
