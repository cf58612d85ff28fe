"""The LSTM whose gates and candidate do not depend on the state."""

from typing import Any

from memoryspan.backend import keras
from memoryspan.layers.initializers import generator, side_by_side
from memoryspan.layers.linear_recurrence import LinearRecurrence

ops: Any = keras.ops  # annotated there as giving None


@keras.saving.register_keras_serializable(package="memoryspan")
class MinLSTM(LinearRecurrence):
    """h' = f h + i g, the gates scaled to f + i = 1: an LSTM by Feng et al. (arXiv 2410.01201, section 3.2).

    f = sigmoid(x W_f + b_f) and i = sigmoid(x W_i + b_i), both over their sum; g = x W_g + b_g. `kernel` is
    [W_f, W_i, W_g]. The arguments are those of `LinearRecurrence`.
    """

    def build(self, input_shape):
        """The kernel, (features, 3 units), and the bias."""
        super().build(input_shape)
        rng, shape = generator(self.seed), (input_shape[-1], self.units)
        self.add_drawn("kernel", (shape[0], 3 * self.units), lambda: side_by_side(rng, shape, 3))
        self.bias = self.add_weight((3 * self.units,), "zeros", name="bias")

    def gates(self, u):
        """i and f, of which the sum is 1, and g."""
        f, i, g = ops.split(u @ self.kernel + self.bias, 3, axis=-1)
        f = ops.sigmoid(ops.log_sigmoid(f) - ops.log_sigmoid(i))  # f / (f + i), also where both are 0 in 32 bits
        return {"input": 1 - f, "forget": f, "candidate": g}

    def coefficients(self, u):
        """(f, i g)."""
        i, f, g = self.gates(u).values()
        return (f,), (i * g,)
