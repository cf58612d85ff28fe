"""The same network in memoryspan, Keras and PyTorch: an LSTM, a dense layer, Adam, cross-entropy.

Each implementation is a job that makes `work.batches` updates and returns the number of examples in them. Where there
was a choice, the other libraries got the faster one: data ready in memory as 32-bit one-hot rows, no shuffling, no
metrics, no progress bar; PyTorch also its fused Adam and time-first batches, each contiguous.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.limit import LIMIT, at_the_limit
from memoryspan.backend import jax, keras
from memoryspan.engine import forward, native, native_target
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.models import lstm
from memoryspan.tasks import Echo
from memoryspan.training import Budget, TrainConfig, UniformLengths
from memoryspan.training.loop import train_loop
from memoryspan.training.stopping import reaches_threshold

Job = Callable[[], int]

OURS = "memoryspan"
NATIVE = "memoryspan in C++"

UNITS = 25
LEARNING_RATE = 1e-3

STEPS_PER_EXECUTION = 10
"""Updates in one compiled program of Keras: about as many as in a chunk of memoryspan."""


def engines() -> list[str]:
    """Return memoryspan without and, where it was built, with the recurrence in C++; JAX then uses the CPU."""
    jax.config.update("jax_platforms", "cpu")
    return [OURS, NATIVE] if native_target() else [OURS]


def use_engine(engine: str) -> AbstractContextManager:
    """Return the context in which models are compiled with the recurrence in C++, or without it."""
    return patch.object(native, "SETTING", "on" if engine == NATIVE else "off")


@dataclass(frozen=True)
class Work:
    """What each implementation does in a sample."""

    task: Echo
    batch_size: int
    batches: int

    @property
    def examples(self) -> int:
        """The number of examples in a sample."""
        return self.batch_size * self.batches

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of the matrix products of one example, forward and backward; looking up a symbol has none.

        A product in the forward pass is two in the backward pass: one for its input, one for the weights.
        """
        recurrent = self.task.length * UNITS * 4 * UNITS
        return 3 * (recurrent + UNITS * self.task.n_features)

    @cached_property
    def tokens(self) -> np.ndarray:
        """Sequences for libraries that do not draw their own, (examples, time)."""
        return np.random.default_rng(0).integers(self.task.n_features, size=(self.examples, self.task.length))

    @cached_property
    def inputs(self) -> np.ndarray:
        """The sequences as Keras reads them, (examples, time, features)."""
        return self._one_hot(self.tokens)

    @cached_property
    def targets(self) -> np.ndarray:
        """The targets as Keras reads them, (examples, features)."""
        return self._one_hot(self.tokens[:, self.task.out_index])

    @cached_property
    def time_first(self) -> np.ndarray:
        """The sequences as PyTorch reads them fastest, (batches, time, batch, features)."""
        batches = self.tokens.reshape(self.batches, self.batch_size, self.task.length)
        return self._one_hot(batches.swapaxes(1, 2))

    @cached_property
    def classes(self) -> np.ndarray:
        """The targets as PyTorch reads them, (batches, batch)."""
        return self.tokens[:, self.task.out_index].reshape(self.batches, self.batch_size)

    def _one_hot(self, tokens: np.ndarray) -> np.ndarray:
        return np.eye(self.task.n_features, dtype=np.float32)[tokens]


def implementations(work: Work) -> dict[str, Job]:
    """Return all that can run here, on the CPU; PyTorch only if it is installed.

    The last one is the arithmetic of the work, and nothing else.
    """
    ours = {engine: with_memoryspan(work, engine) for engine in engines()}
    in_keras = {
        "Keras": with_keras(work),
        f"Keras, steps_per_execution={STEPS_PER_EXECUTION}": with_keras(work, STEPS_PER_EXECUTION),
    }
    limit = {LIMIT: at_the_limit(work.multiply_adds, work.examples)}
    return ours | in_keras | pytorch_implementations(work) | limit


def pytorch_implementations(work: Work) -> dict[str, Job]:
    """Return PyTorch with its default number of threads, and with one: which is faster depends on the machine."""
    try:
        import torch  # pyright: ignore[reportMissingImports]  (only the extra `bench` installs it)
    except ImportError:
        return {}
    threads = sorted({torch.get_num_threads(), 1}, reverse=True)
    return {f"PyTorch, {n} {'thread' if n == 1 else 'threads'}": with_pytorch(work, n) for n in threads}


def with_memoryspan(work: Work, engine: str, seeds: int = 1) -> Job:
    """Return what `memoryspan train` runs, chunk after chunk of one training, which draws its own examples.

    Several seeds train together, as in `memoryspan span`.
    """
    with use_engine(engine):
        models = [_compiled_model(work) for _ in range(seeds)]
        full_length = UniformLengths(work.task.length)
        settings = [TrainConfig(seed, work.batch_size, Budget(examples=None), full_length) for seed in range(seeds)]
        training = train_loop(
            models, work.task, settings, reaches_threshold(work.task, make_accuracy_fn(forward(models[0]), work.task))
        )
    done = 0

    def sample() -> int:
        nonlocal done
        before, least = done, done
        with use_engine(engine):
            while least < before + work.batches:
                least = min(snapshot.row.updates for snapshot in next(training))
        done = least
        return seeds * work.batch_size * (done - before)

    return sample


def with_keras(work: Work, steps_per_execution: int = 1) -> Job:
    """Return one epoch of `fit`, on JAX."""
    model = _compiled_model(work, steps_per_execution)

    def sample() -> int:
        silent: Any = 0  # Keras types its own verbose=0 as str
        model.fit(work.inputs, work.targets, work.batch_size, shuffle=False, verbose=silent)
        return work.examples

    return sample


def _compiled_model(work: Work, steps_per_execution: int = 1) -> keras.Model:
    model = lstm(work.task, units=UNITS, seed=0)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    model.compile(optimizer, work.task.loss, steps_per_execution=steps_per_execution)
    return model


def with_pytorch(work: Work, threads: int) -> Job:
    """Return the usual training loop of PyTorch."""
    import torch  # pyright: ignore[reportMissingImports]

    batches, targets = torch.from_numpy(work.time_first), torch.from_numpy(work.classes)
    recurrent = torch.nn.LSTM(work.task.n_features, UNITS)
    dense = torch.nn.Linear(UNITS, work.task.n_features)
    optimizer = torch.optim.Adam([*recurrent.parameters(), *dense.parameters()], LEARNING_RATE, fused=True)
    cross_entropy = torch.nn.CrossEntropyLoss()

    def sample() -> int:
        torch.set_num_threads(threads)
        for x, y in zip(batches, targets, strict=True):
            optimizer.zero_grad()
            _, (hidden, _) = recurrent(x)
            cross_entropy(dense(hidden[0]), y).backward()
            optimizer.step()
        return work.examples

    return sample
