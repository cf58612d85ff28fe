"""The block of Mamba."""

from typing import Any

import numpy as np

from memoryspan.backend import keras
from memoryspan.layers.initializers import generator, glorot_uniform, layer_seed, side_by_side
from memoryspan.layers.recurrence import WINDOW, Recurrence
from memoryspan.layers.s6 import S6
from memoryspan.layers.short_convolution import WIDTH, check_short_conv, kernel_of, short_convolution
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None


@keras.saving.register_keras_serializable(package="memoryspan")
class Mamba(Recurrence):
    """(S6(SiLU(conv(x W))) ⊙ SiLU(x V)) O, the block of Gu & Dao (arXiv 2312.00752, figure 3).

    Shapes: (batch, time, features) to (batch, time, features). State: expand · features · state_units numbers, and
    (short_conv - 1) · expand · features in the window of the convolution.

    Args:
        state_units: numbers in the state of a feature of the inner width, N in the paper.
        expand: the inner width, in multiples of the features.
        short_conv: steps of the depthwise causal convolution before the state space; None for none.
        delta_rank: rank of the projection to Δ; None for a sixteenth of the features, rounded up.
        min_eigenvalue: 0, or -1 for eigenvalues in [-1, 1] (Grazzi et al., arXiv 2411.12537).
        kwargs: the other arguments of `Recurrence`.
    """

    def __init__(
        self,
        *,
        state_units: int = 16,
        expand: int = 2,
        short_conv: int | None = WIDTH,
        delta_rank: int | None = None,
        min_eigenvalue: float = 0.0,
        **kwargs,
    ):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("expand", expand, at_least=1, instead="2, for example")
        check_short_conv(short_conv)
        S6(state_units=state_units, delta_rank=delta_rank, min_eigenvalue=min_eigenvalue)  # refuses what makes no sense
        self.state_units, self.expand, self.short_conv = state_units, expand, short_conv
        self.delta_rank, self.min_eigenvalue = delta_rank, min_eigenvalue

    def build(self, input_shape):
        """Draw the projections in and out and the kernel of the convolution, and build the state space."""
        rng, features = generator(self.seed), input_shape[-1]
        inner = self.inner = self.expand * features
        seed = layer_seed(rng)
        self.add_drawn("kernel", (features, 2 * inner), lambda: side_by_side(rng, (features, inner), 2))
        self.add_drawn("output_kernel", (inner, features), lambda: glorot_uniform(rng, (inner, features)))
        if self.short_conv:
            shape = self.short_conv, inner
            self.add_drawn("short_conv_kernel", shape, lambda: kernel_of(rng, *shape))
            self.add_drawn("short_conv_bias", (inner,), lambda: np.zeros(inner))
        self.s6 = S6(
            state_units=self.state_units,
            delta_rank=self.delta_rank or -(-features // 16),
            min_eigenvalue=self.min_eigenvalue,
            seed=seed,
            dtype=self.dtype_policy,
            name="s6",
        )
        self.s6.build((*input_shape[:-1], inner))

    def state_shapes(self, length):
        """Return the shapes of the state and of the window of the convolution."""
        window = {WINDOW: (self.short_conv - 1, self.inner)} if self.short_conv else {}
        return self.s6.state_shapes(length) | window

    def run(self, x, state):
        """Return the outputs, and the state after the last step."""
        inner, gate = ops.split(x @ self.kernel, 2, axis=-1)
        window = {}
        if self.short_conv:
            inner, window[WINDOW] = short_convolution(
                inner, state[WINDOW], self.short_conv_kernel, self.short_conv_bias
            )
        y, after = self.s6.run(ops.silu(inner), state)
        return (y * ops.silu(gate)) @ self.output_kernel, after | window

    @property
    def undecayed_weights(self):
        """The weights of the state space that weight decay should leave alone."""
        return self.s6.undecayed_weights

    def get_config(self):
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "state_units": self.state_units,
            "expand": self.expand,
            "short_conv": self.short_conv,
            "delta_rank": self.delta_rank,
            "min_eigenvalue": self.min_eigenvalue,
        }
