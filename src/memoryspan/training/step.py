"""Far out an update needs care: steps are shortened with the length, and exploded gradients are skipped."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from memoryspan.errors import TaskError


@dataclass(frozen=True)
class StepDecay:
    """Shortens the optimizer's step with the length, because far out the same step changes the predictions more.

    Attributes:
        from_length: beyond this length a step is multiplied by (from_length / length) ** power.
        power: 0 leaves every step as it is.
    """

    from_length: int = 32
    power: float = 0.25

    def __post_init__(self):
        if not (self.from_length >= 1 and self.power >= 0):
            raise TaskError(
                f"A StepDecay needs from_length of at least 1 and power of at least 0, got from_length="
                f"{self.from_length!r} and power={self.power!r}."
            )

    def fraction(self, length: Int[Array, ""]) -> Float[Array, ""]:
        """Return the fraction of the optimizer's own step to take at this length: 1 up to `from_length`."""
        return jnp.minimum(1.0, (self.from_length / length) ** self.power).astype(jnp.float32)


@dataclass(frozen=True)
class GradientGuard:
    """Skips the gradient of a batch that is all correct where its norm is large and the length is far out.

    Such a batch holds nothing that needs so long a gradient: it has exploded on the way (Bengio et al., IEEE Trans.
    Neural Netw. 5, 1994), and even clipped it points anywhere. Meant for a mean over some dozens of examples.

    Attributes:
        max_grad_norm: the largest norm to learn from.
        from_length: the guard acts beyond this length.
    """

    max_grad_norm: float = 5.0
    from_length: int = 1024

    def __post_init__(self):
        if not (self.max_grad_norm > 0 and self.from_length >= 1):
            raise TaskError(
                f"A GradientGuard needs max_grad_norm above 0 and from_length of at least 1, got max_grad_norm="
                f"{self.max_grad_norm!r} and from_length={self.from_length!r}."
            )

    def skips(self, length: Int[Array, ""], norm: Float[Array, ""], accuracy: Float[Array, ""]) -> Bool[Array, ""]:
        """Return whether a gradient of this norm, from a batch with this accuracy, is to change nothing."""
        return (length > self.from_length) & (accuracy > 1 - 1e-6) & (norm > self.max_grad_norm)
