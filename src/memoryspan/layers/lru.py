"""The linear recurrent unit."""

from functools import cache
from typing import Any

import numpy as np

from memoryspan.backend import keras
from memoryspan.layers.initializers import generator
from memoryspan.layers.linear_recurrence import LinearRecurrence
from memoryspan.validate import number

ops: Any = keras.ops  # annotated there as giving None


@keras.saving.register_keras_serializable(package="memoryspan")
class LRU(LinearRecurrence):
    """h' = λ h + g B x, y = Re(C h) + D x, all but x and y complex and λ diagonal (Orvieto et al., arXiv 2303.06349).

    λ = exp(-exp(nu) + i exp(θ)), which is stable whatever is learned, begins spread evenly over the ring between the
    radii `r_min` and `r_max` (the paper's lemma 3.2), and g at √(1 - |λ|²), which keeps the state at the size of the
    input. As in the paper's listing (appendix A), g (their gamma) and θ are learned as their logarithms, and what the
    layer puts out is as wide as what it reads; `units` are its complex numbers.

    Args:
        units: complex numbers in the state.
        r_min: the least |λ| to begin with: 0 or more.
        r_max: the greatest one, above `r_min` and below 1.
        kwargs: the other arguments of `LinearRecurrence`.
    """

    one = (1.0, 0.0)
    state_names = ("real part", "imaginary part")

    def __init__(self, units: int, *, r_min: float = 0.9, r_max: float = 0.999, **kwargs):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(units, **kwargs)
        number("r_min", r_min, at_least=0, below=1, instead="0.9, for example")
        number("r_max", r_max, above=r_min, below=1, given=f" for r_min={r_min}", instead="0.999, for example")
        self.r_min, self.r_max = r_min, r_max

    def build(self, input_shape):
        """nu, θ and gamma, (units,); B, (features, units), and C, (units, features), in two parts; D, (features,)."""
        super().build(input_shape)
        rng, units, features = generator(self.seed), self.units, input_shape[-1]
        radius = cache(lambda: np.sqrt(rng.uniform(self.r_min**2, self.r_max**2, units)))

        def normal(shape: tuple[int, ...], fan_in: int):
            return shape, lambda: rng.normal(size=shape) / np.sqrt(fan_in)

        initial = {
            "nu_log": ((units,), lambda: np.log(-np.log(radius()))),
            "theta_log": ((units,), lambda: np.log(rng.uniform(1e-3, 2 * np.pi, units))),  # of a number above 0
            "gamma_log": ((units,), lambda: np.log(1 - radius() ** 2) / 2),
            "b_re": normal((features, units), 2 * features),
            "b_im": normal((features, units), 2 * features),
            "c_re": normal((units, features), units),
            "c_im": normal((units, features), units),
            "d": normal((features,), 1),
        }
        for name, (shape, draw) in initial.items():
            lasting = name.endswith("_log")
            self.add_drawn(name, shape, draw, decay=not lasting, autocast=not lasting)

    def coefficients(self, u):
        """(λ, gamma B x), each a real and an imaginary part."""
        radius, angle = ops.exp(-ops.exp(self.nu_log)), ops.exp(self.theta_log)
        gamma = ops.exp(self.gamma_log)
        b = u @ (self.b_re * gamma), u @ (self.b_im * gamma)
        a = radius * ops.cos(angle), radius * ops.sin(angle)
        return tuple(ops.broadcast_to(part, b[0].shape) for part in a), b

    def read(self, state, u, x):
        """Re(C h) + D x."""
        re, im = state
        return re @ self.c_re - im @ self.c_im + self.d * u

    def width(self, features):
        """As wide as the input."""
        return features

    def get_config(self):
        """The arguments of the constructor."""
        return {**super().get_config(), "r_min": self.r_min, "r_max": self.r_max}
