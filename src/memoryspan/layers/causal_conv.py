"""Dilated causal convolution."""

from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from memoryspan.backend import keras
from memoryspan.layers.initializers import as_initializer, generator, he_uniform
from memoryspan.layers.without_padding import without_padding
from memoryspan.validate import flag, number, whole_number

ops: Any = keras.ops  # annotated there as giving None


@keras.saving.register_keras_serializable(package="memoryspan")
class CausalConv(keras.layers.Layer):
    """A dilated convolution over this step and those before, then ReLU (Bai et al., arXiv 1803.01271, section 3.2).

    Step t reads t, t - dilation, …, t - (kernel_size - 1) · dilation; before the first step there are zeros. It is
    one product of matrices, of the shifted inputs side by side: for many models at once (`jax.vmap`) that is as fast as
    a convolution or faster. Keras's `Conv1D(padding="causal")` computes the same, and drops the mask.

    With `weight_norm` the kernel of each filter is gain · direction / ‖direction‖, where neither has to have length 1
    (Salimans & Kingma, arXiv 1602.07868). Directions tend to grow as they learn, and turn the less by a step of the
    same size, as if the learning rate fell: on `Adding()` answers become more precise.

    Args:
        filters: the width of what it puts out.
        kernel_size: steps that it reads.
        dilation: the distance between them.
        weight_norm: whether directions and gains are learned, in the place of kernels.
        initial_scale: the kernels that it begins with are as many times those of He et al.
        seed: decides the initial weights; None draws others each time.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        weight_norm: bool = False,
        initial_scale: float = 1.0,
        seed: int | None = None,
        **kwargs,
    ):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("filters", filters, at_least=1, instead="25, for example")
        whole_number("kernel_size", kernel_size, at_least=1, instead="3, for example")
        whole_number("dilation", dilation, at_least=1, instead="1, for example")
        flag("weight_norm", weight_norm)
        number("initial_scale", initial_scale, above=0, instead="1, for example")
        self.filters, self.kernel_size, self.dilation, self.seed = filters, kernel_size, dilation, seed
        self.weight_norm, self.initial_scale = weight_norm, initial_scale
        self.supports_masking = True

    def build(self, input_shape):
        """The kernel, (kernel_size, features, filters) as Keras's, oldest step first, or its directions; the bias."""
        shape = (self.kernel_size, input_shape[-1], self.filters)
        kernel = cache(lambda: he_uniform(generator(self.seed), shape))
        if self.weight_norm:
            gains = as_initializer(
                lambda: self.initial_scale * np.linalg.norm(kernel().reshape(-1, self.filters), axis=0)
            )
            self.directions = self.add_weight(shape, as_initializer(kernel), name="directions")
            self.gains = self.add_weight((self.filters,), gains, name="gains")
        else:
            scaled = as_initializer(lambda: self.initial_scale * kernel())
            self.kernel = self.add_weight(shape, scaled, name="kernel")
        self.bias = self.add_weight((self.filters,), "zeros", name="bias")

    def call(self, inputs: Float[Any, "batch time features"], mask: Bool[Any, "batch time"] | None = None):
        """(batch, time, filters)."""
        time, reach = inputs.shape[1], (self.kernel_size - 1) * self.dilation
        front = min(reach, time)  # farther back there are zeros alone
        x = ops.pad(without_padding(inputs, mask), ((0, 0), (front, 0), (0, 0)))
        begins = [max(0, front - back) for back in range(reach, -1, -self.dilation)]
        read = [x[:, begin : begin + time] for begin in begins]
        if self.weight_norm:
            directions = ops.reshape(self.directions, (-1, self.filters))
            kernel = self.gains * directions / ops.norm(directions, axis=0)
        else:
            kernel = ops.reshape(self.kernel, (-1, self.filters))
        return ops.relu(ops.concatenate(read, axis=-1) @ kernel + self.bias)

    def compute_output_shape(self, input_shape):
        """(batch, time, filters)."""
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
            "weight_norm": self.weight_norm,
            "initial_scale": self.initial_scale,
            "seed": self.seed,
        }
