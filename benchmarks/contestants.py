"""The same network, trained by this package, by Keras, and by PyTorch: an LSTM, a dense layer, Adam, cross-entropy.

Each contestant is a job that makes `work.batches` updates and gives the number of examples in them. Where a choice was
free, a peer got the faster one: data ready in memory as 32-bit one-hot rows, no shuffling, no metrics, no progress bar;
PyTorch also its fused Adam and time-first batches, each in one piece.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.limit import LIMIT, at_the_limit
from memoryspan.backend import jax, keras
from memoryspan.engine import forward
from memoryspan.engine import native as engine_native
from memoryspan.engine.native import native_target
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.models import lstm
from memoryspan.tasks import Echo
from memoryspan.training import Budget, TrainConfig, UniformLengths
from memoryspan.training.loop import chunks
from memoryspan.training.stopping import reaches_threshold

Job = Callable[[], int]

OURS = "memoryspan"
NATIVE = "memoryspan in C++"

UNITS = 25
LEARNING_RATE = 1e-3

STEPS_PER_EXECUTION = 10
"""As many updates as this package makes between two looks of Python."""


@dataclass(frozen=True)
class Work:
    """What each contestant does in a lap."""

    task: Echo
    batch_size: int
    batches: int

    @property
    def examples(self) -> int:
        """Of one lap."""
        return self.batch_size * self.batches

    @property
    def multiply_adds(self) -> int:
        """Of one example, forward and backward, in the products of matrices: the look-up of a symbol needs none.

        A product in the forward pass is two in the backward pass: one for what goes in, one for the weights.
        """
        recurrent = self.task.length * UNITS * 4 * UNITS
        return 3 * (recurrent + UNITS * self.task.n_features)

    @cached_property
    def tokens(self) -> np.ndarray:
        """Sequences for those who do not make their own, (examples, time)."""
        return np.random.default_rng(0).integers(self.task.n_features, size=(self.examples, self.task.length))

    @cached_property
    def inputs(self) -> np.ndarray:
        """The same as Keras reads them, (examples, time, features)."""
        return self._one_hot(self.tokens)

    @cached_property
    def answers(self) -> np.ndarray:
        """The answers as Keras reads them, (examples, features)."""
        return self._one_hot(self.tokens[:, self.task.out_index])

    @cached_property
    def time_first(self) -> np.ndarray:
        """The same in batches as PyTorch likes them, (batches, time, batch, features)."""
        batches = self.tokens.reshape(self.batches, self.batch_size, self.task.length)
        return self._one_hot(batches.swapaxes(1, 2))

    @cached_property
    def classes(self) -> np.ndarray:
        """The answers as PyTorch likes them, (batches, batch)."""
        return self.tokens[:, self.task.out_index].reshape(self.batches, self.batch_size)

    def _one_hot(self, tokens: np.ndarray) -> np.ndarray:
        return np.eye(self.task.n_features, dtype=np.float32)[tokens]


def contestants(work: Work) -> dict[str, Job]:
    """Return all that can run here, on the CPU: PyTorch if it is installed, and the C++ if it was built.

    The last one is the arithmetic of the work, and nothing else.
    """
    in_cpp = {NATIVE: with_memoryspan(work, "on")} if native_target() else {}
    return (
        {OURS: with_memoryspan(work, "off")}
        | in_cpp
        | {
            "Keras": with_keras(work),
            f"Keras, steps_per_execution={STEPS_PER_EXECUTION}": with_keras(work, STEPS_PER_EXECUTION),
        }
        | pytorch_contestants(work)
        | {LIMIT: at_the_limit(work.multiply_adds, work.examples)}
    )


def pytorch_contestants(work: Work) -> dict[str, Job]:
    """PyTorch with the threads that it takes by itself, and with one: which is faster depends on the machine."""
    try:
        import torch  # pyright: ignore[reportMissingImports]  (only the extra `bench` brings it)
    except ImportError:
        return {}
    threads = sorted({torch.get_num_threads(), 1}, reverse=True)
    return {f"PyTorch, {n} {'thread' if n == 1 else 'threads'}": with_pytorch(work, n) for n in threads}


def with_memoryspan(work: Work, native: str, seeds: int = 1) -> Job:
    """What `memoryspan train` runs, chunk after chunk of one training; it makes its examples on the way.

    `native`, on or off: whether the recurrence runs in C++. Several seeds train together, as in `memoryspan span`.
    """
    jax.config.update("jax_platforms", "cpu")
    in_cpp = patch.object(engine_native, "SETTING", native)  # read when a program is compiled
    with in_cpp:
        models = [_compiled_model(work) for _ in range(seeds)]
        full_length = UniformLengths(work.task.length)
        settings = [TrainConfig(seed, work.batch_size, Budget(examples=None), full_length) for seed in range(seeds)]
        training = chunks(
            models, work.task, settings, reaches_threshold(work.task, make_accuracy_fn(forward(models[0]), work.task))
        )
    done = 0

    def lap() -> int:
        nonlocal done
        before, least = done, done
        with in_cpp:
            while least < before + work.batches:
                least = min(position.row.updates for position in next(training))
        done = least
        return seeds * work.batch_size * (done - before)

    return lap


def with_keras(work: Work, steps_per_execution: int = 1) -> Job:
    """One epoch of `fit`, on JAX."""
    model = _compiled_model(work, steps_per_execution)

    def lap() -> int:
        silent: Any = 0  # Keras types its own verbose=0 as str
        model.fit(work.inputs, work.answers, work.batch_size, shuffle=False, verbose=silent)
        return work.examples

    return lap


def _compiled_model(work: Work, steps_per_execution: int = 1) -> keras.Model:
    model = lstm(work.task, units=UNITS, seed=0)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    model.compile(optimizer, work.task.loss, steps_per_execution=steps_per_execution)
    return model


def with_pytorch(work: Work, threads: int) -> Job:
    """The loop of any PyTorch tutorial."""
    import torch  # pyright: ignore[reportMissingImports]

    batches, targets = torch.from_numpy(work.time_first), torch.from_numpy(work.classes)
    recurrent = torch.nn.LSTM(work.task.n_features, UNITS)
    answer = torch.nn.Linear(UNITS, work.task.n_features)
    optimizer = torch.optim.Adam([*recurrent.parameters(), *answer.parameters()], LEARNING_RATE, fused=True)
    cross_entropy = torch.nn.CrossEntropyLoss()

    def lap() -> int:
        torch.set_num_threads(threads)
        for x, y in zip(batches, targets, strict=True):
            optimizer.zero_grad()
            _, (hidden, _) = recurrent(x)
            cross_entropy(answer(hidden[0]), y).backward()
            optimizer.step()
        return work.examples

    return lap
