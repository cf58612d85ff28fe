"""Far out an update needs care: steps are shortened with the length, and exploded gradients are skipped."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from memoryspan.validate import checked, number


@checked
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
        number("from_length", self.from_length, at_least=1, instead="32, for example")
        number("power", self.power, at_least=0, instead="0.25, for example")

    def fraction(self, length: Int[Array, ""]) -> Float[Array, ""]:
        """Return the fraction of the optimizer's own step to take at this length: 1 up to `from_length`."""
        return jnp.minimum(1.0, (self.from_length / length) ** self.power).astype(jnp.float32)


@checked
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
        number("max_grad_norm", self.max_grad_norm, above=0, instead="5, for example")
        number("from_length", self.from_length, at_least=1, instead="1024, for example")

    def skips(self, length: Int[Array, ""], norm: Float[Array, ""], accuracy: Float[Array, ""]) -> Bool[Array, ""]:
        """Return whether a gradient of this norm, from a batch with this accuracy, is to change nothing."""
        return (length > self.from_length) & (accuracy > 1 - 1e-6) & (norm > self.max_grad_norm)
