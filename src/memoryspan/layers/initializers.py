"""Initial weights, drawn in NumPy: the distributions of Keras and of papers, without compiling a program for each."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from memoryspan.validate import seed_number


def generator(seed: int | None) -> np.random.Generator:
    """Return the generator of a seed, or another each time for None; raise `SettingError` where it is none."""
    if seed is not None:
        seed_number(seed)
    return np.random.default_rng(seed)


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> Float[np.ndarray, "fan_in fan_out"]:
    """Uniform in ± sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio, AISTATS 2010)."""
    limit = np.sqrt(6 / sum(shape))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def side_by_side(rng: np.random.Generator, shape: tuple[int, int], count: int) -> Float[np.ndarray, "fan_in columns"]:
    """Return as many kernels of one shape, each drawn by `glorot_uniform`, in one array."""
    return np.concatenate([glorot_uniform(rng, shape) for _ in range(count)], axis=1)


def he_uniform(rng: np.random.Generator, shape: tuple[int, int, int]) -> Float[np.ndarray, "steps fan_in fan_out"]:
    """Uniform in ± sqrt(6 / (steps · fan_in)) (He et al., arXiv 1502.01852)."""
    limit = np.sqrt(6 / (shape[0] * shape[1]))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def orthogonal(rng: np.random.Generator, shape: tuple[int, int]) -> Float[np.ndarray, "rows columns"]:
    """Orthonormal rows, or columns if there are fewer of those (Saxe et al., arXiv 1312.6120)."""
    q, r = np.linalg.qr(rng.normal(size=(max(shape), min(shape))))
    q = q * np.sign(np.diag(r))  # else the distribution depends on how LAPACK chooses signs
    return (q if q.shape == shape else q.T).astype(np.float32)


def chrono(rng: np.random.Generator, t_max: int, units: int) -> Float[np.ndarray, "units"]:
    """Biases of gates that keep: the log of uniform in [1, t_max - 1] (Tallec & Ollivier, arXiv 1804.11188, eq. 16).

    A gate with such a bias keeps 1 - 1/T of a state at each step, so that it lasts for about T steps, and T is uniform
    in [2, t_max].
    """
    return np.log(rng.uniform(1, t_max - 1, units)).astype(np.float32)


def as_initializer(draw: Callable[[], Float[np.ndarray, "..."]]) -> Callable[..., Any]:
    """Return a Keras initializer that draws its array when it is called."""
    return lambda shape, dtype=None: draw()


def layer_seed(rng: np.random.Generator) -> int:
    """A seed for the next layer."""
    return int(rng.integers(2**31))
