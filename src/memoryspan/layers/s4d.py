"""The diagonal state space S4D."""

from typing import Any

import numpy as np

from memoryspan.backend import keras
from memoryspan.layers.initializers import generator
from memoryspan.layers.recurrence import Recurrence
from memoryspan.layers.s6 import log_delta
from memoryspan.validate import whole_number

ops: Any = keras.ops  # annotated there as returning None

PARTS: tuple[str, ...] = ("real part", "imaginary part")


@keras.saving.register_keras_serializable(package="memoryspan")
class S4D(Recurrence):
    """h' = Ā h + x, y = 2 Re(C̄ h) + D x, a complex diagonal system for each feature (Gu et al., arXiv 2206.11893).

    Ā = exp(Δ A) and C̄ = C (Ā - I) A⁻¹ discretise a continuous system by zero-order hold (section 3.1), with A = -1/2 +
    iπn to begin with (S4D-Lin, section 4.2). It is the same at every step, so that a whole sequence is a convolution
    with the kernel 2 Re(C̄ Āᵗ) (section 3.2), computed by the fast Fourier transform.

    Shapes: (batch, time, features) to (batch, time, features). State: 2 · features · state_units numbers.

    Args:
        state_units: complex numbers in the state of a feature.
        kwargs: the other arguments of `Recurrence`.
    """

    def __init__(self, *, state_units: int = 16, **kwargs):
        """Raise `TaskError` where an argument makes no sense."""
        super().__init__(**kwargs)
        whole_number("state_units", state_units, at_least=1, instead="16, for example")
        self.state_units = state_units

    def build(self, input_shape):
        """Draw A, C, each in two parts, D and log Δ."""
        rng, n, features = generator(self.seed), self.state_units, input_shape[-1]
        shape = self.shape = features, n
        for name in ("c_re", "c_im"):
            self.add_drawn(name, shape, lambda: rng.normal(size=shape) * 0.5**0.5)
        self.add_drawn("log_a_re", shape, lambda: np.full(shape, np.log(0.5)), decay=False, autocast=False)
        frequencies = np.pi * np.arange(n)
        self.add_drawn("a_im", shape, lambda: np.tile(frequencies, (features, 1)), decay=False, autocast=False)
        scales = (features,)
        self.add_drawn("log_delta", scales, lambda: log_delta(rng, features), decay=False, autocast=False)
        self.add_drawn("d", scales, lambda: rng.normal(size=features), decay=False)

    def state_shapes(self, length):
        """Return the shapes of the real and the imaginary parts: (features, state_units)."""
        return dict.fromkeys(PARTS, self.shape)

    def run(self, x, state):
        """Return the outputs, and the state after the last step."""
        u, time = ops.cast(x, self.state_dtype), x.shape[1]
        before = tuple(state[name] for name in PARTS)
        re, im = self._powers(time + 1)  # of Ā, (features, state_units, time + 1)
        c_re, c_im = self._readout()
        y = causal_convolution(u, self._read((c_re, c_im), (re[..., :-1], im[..., :-1])))
        # What came before fades: 2 Re(C̄ Āᵗ⁺¹ h), and it and the inputs are what is left after the last step.
        faded_re, faded_im = c_re * before[0] - c_im * before[1], c_re * before[1] + c_im * before[0]
        y = y + 2 * (
            ops.einsum("bfn,fnt->btf", faded_re, re[..., 1:]) - ops.einsum("bfn,fnt->btf", faded_im, im[..., 1:])
        )
        late_re, late_im = (ops.flip(part[..., :-1], axis=-1) for part in (re, im))
        last_re, last_im = re[..., -1], im[..., -1]
        after = {
            "real part": last_re * before[0] - last_im * before[1] + ops.einsum("btf,fnt->bfn", u, late_re),
            "imaginary part": last_re * before[1] + last_im * before[0] + ops.einsum("btf,fnt->bfn", u, late_im),
        }
        return ops.cast(y, x.dtype) + self.d * x, after

    def _powers(self, count: int):
        """Return Āᵗ for t from 0 to count - 1, its real and its imaginary part."""
        delta = ops.exp(self.log_delta)[:, None]
        steps = np.arange(count, dtype=self.state_dtype)
        size = ops.exp((-ops.exp(self.log_a_re) * delta)[..., None] * steps)
        angle = (self.a_im * delta)[..., None] * steps
        return size * ops.cos(angle), size * ops.sin(angle)

    def _readout(self):
        """Return C̄, its real and its imaginary part."""
        a_re, a_im = -ops.exp(self.log_a_re), self.a_im
        re, im = (part[..., 1] for part in self._powers(2))
        square = a_re * a_re + a_im * a_im
        held_re, held_im = ((re - 1) * a_re + im * a_im) / square, (im * a_re - (re - 1) * a_im) / square
        c_re, c_im = (ops.cast(part, self.state_dtype) for part in (self.c_re, self.c_im))
        return c_re * held_re - c_im * held_im, c_re * held_im + c_im * held_re

    def _read(self, c, powers):
        """Return the kernel 2 Re(C̄ Āᵗ), (features, time)."""
        return 2 * ops.sum(c[0][..., None] * powers[0] - c[1][..., None] * powers[1], axis=1)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "state_units": self.state_units}


def causal_convolution(x: Any, kernel: Any) -> Any:
    """Return the sum over s of kernel[f, s] x[b, t - s, f], by the fast Fourier transform: (batch, time, features)."""
    time = x.shape[1]
    x_re, x_im = ops.rfft(ops.swapaxes(x, 1, 2), 2 * time)
    k_re, k_im = ops.rfft(kernel, 2 * time)
    y = ops.irfft((x_re * k_re - x_im * k_im, x_re * k_im + x_im * k_re), 2 * time)
    return ops.swapaxes(y[..., :time], 1, 2)
