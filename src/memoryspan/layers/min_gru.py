"""The GRU whose gate and candidate do not depend on the state."""

from typing import Any

from memoryspan.backend import keras
from memoryspan.layers.initializers import generator, side_by_side
from memoryspan.layers.linear_recurrence import LinearRecurrence

ops: Any = keras.ops  # annotated there as giving None


@keras.saving.register_keras_serializable(package="memoryspan")
class MinGRU(LinearRecurrence):
    """h' = (1 - z) h + z g, a GRU by Feng et al. (arXiv 2410.01201, section 3.1).

    z = sigmoid(x W_z + b_z) and g = x W_g + b_g. `kernel` is [W_z, W_g]. The arguments are those of `LinearRecurrence`.
    """

    def build(self, input_shape):
        """The kernel, (features, 2 units), and the bias."""
        super().build(input_shape)
        rng, shape = generator(self.seed), (input_shape[-1], self.units)
        self.add_drawn("kernel", (shape[0], 2 * self.units), lambda: side_by_side(rng, shape, 2))
        self.bias = self.add_weight((2 * self.units,), "zeros", name="bias")

    def gates(self, u):
        """z, which lets in here, and g."""
        z, g = ops.split(u @ self.kernel + self.bias, 2, axis=-1)
        return {"update": ops.sigmoid(z), "candidate": g}

    def coefficients(self, u):
        """(1 - z, z g)."""
        z, g = self.gates(u).values()
        return (1 - z,), (z * g,)
