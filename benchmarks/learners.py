"""The adding problem, learned by this package, by NumPy alone, by Keras and by PyTorch: an LSTM and a linear answer.

Each contestant gives, for a question and a seed, the looks at its training, one after the other. All of a seed
begin with the same weights, those of `lstm`, and take batches of the same size. Where a choice was free, a peer got the
faster one: its examples lie ready in memory as it likes them, and it learns with the rate that was best for it.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple, Protocol
from unittest.mock import patch

import numpy as np
from jaxtyping import Float

from benchmarks.contestants import NATIVE, OURS, STEPS_PER_EXECUTION
from benchmarks.numpy_lstm import Weights, fresh, from_keras, gradients, updated, walk
from memoryspan.backend import jax, keras
from memoryspan.engine import forward
from memoryspan.engine import native as engine_native
from memoryspan.engine.native import native_target
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.models import lstm
from memoryspan.sampling import Stream, stream
from memoryspan.tasks import Adding, Batch
from memoryspan.training import Budget, Curriculum, StepDecay, TrainConfig, UniformLengths
from memoryspan.training.loop import chunks
from memoryspan.training.settings import EXAMPLES
from memoryspan.training.stopping import reaches_threshold

NUMPY, KERAS, PYTORCH = "NumPy", "Keras", "PyTorch"

FULL = ", full"
"""Behind the name of ours where all examples have the full length: without the curriculum."""

UNITS = 8
BATCH_SIZE = 32

LEARNING_RATE = 3e-2
"""Of the peers. Of 0.01, 0.02, 0.03 and 0.05, with which each of them got there on five of five seeds, 0.03 took fewest
examples in the median; 0.05 took as few with two of them, and varied more. With 0.003 NumPy took ten times as many."""

OUR_LEARNING_RATE = 8e-2
"""Of this package with the curriculum; without it the peers' own. Of 0.03, 0.05 and 0.08 with five curricula, on four
seeds each, this one took fewest examples together with …"""

CURRICULUM = Curriculum(growth=4, grow_above=0.6, step_decay=StepDecay(power=0))
"""… this one: the goal is far from perfect, so that lengths need not be either."""

SHARE = 0.91
"""Of fresh examples whose answer has to err by less than the task's tolerance: that of published reproductions."""

CLIPNORM = 1.0
"""The greatest norm of a gradient, for all: that of `lstm`."""


class Look(NamedTuple):
    """What a training has taken so far, and how many of `EXAMPLES` fresh examples it answers right."""

    examples: int
    seconds: float
    right: int


class Examples(NamedTuple):
    """Of one length."""

    inputs: Float[np.ndarray, "examples time features"]
    targets: Float[np.ndarray, "examples"]


@dataclass(frozen=True)
class Question:
    """What is learned, how often it is looked at, in updates, and after how many examples it is given up."""

    task: Adding
    every: int
    budget: int

    def examples(self, seed: int, number: int) -> Examples:
        """Those that are learned before a look of this number."""
        return self._drawn(seed, Stream.TRAINING, number, self.every * BATCH_SIZE)

    def unseen(self, seed: int, number: int) -> Examples:
        """Those that decide at that look."""
        return self._drawn(seed, Stream.EVALUATION, number, EXAMPLES)

    def _drawn(self, seed: int, which: Stream, number: int, examples: int) -> Examples:
        batch = self._sample(jax.random.fold_in(stream(seed, which), number), examples)
        return Examples(np.asarray(batch.inputs), np.asarray(batch.targets))

    @cached_property
    def _sample(self) -> Callable[..., Batch]:
        return jax.jit(partial(self.task.sample, length=self.task.length), static_argnums=1)


Contestant = Callable[[Question, int], Iterator[Look]]


class Peer(Protocol):
    """Somebody else's LSTM."""

    def begin(self, weights: list[np.ndarray]) -> None:
        """Forgets all, and begins with these weights, as Keras orders them."""
        ...

    def laid_out(self, examples: Examples) -> Any:
        """Batches as it likes them; not in its time."""
        ...

    def learn(self, batches: Any) -> None:
        """An update for each batch."""
        ...

    def answers(self, inputs: Float[np.ndarray, "batch time features"]) -> Float[np.ndarray, "batch"]:
        """What it says."""
        ...


def contestants(task: Adding) -> dict[str, Contestant]:
    """Return all that can run here, on the CPU: PyTorch if it is installed, and the C++ if it was built."""
    jax.config.update("jax_platforms", "cpu")
    switches = {OURS: "off"} | ({NATIVE: "on"} if native_target() else {})
    ours = {
        name + order: partial(with_memoryspan, switch, *recipe)
        for name, switch in switches.items()
        for order, recipe in (
            ("", (CURRICULUM, OUR_LEARNING_RATE)),
            (FULL, (UniformLengths(task.length), LEARNING_RATE)),
        )
    }
    peers: dict[str, Peer] = {NUMPY: _NumPy(), KERAS: _Keras(task)}
    with suppress(ImportError):  # only the extra `bench` brings it
        peers[PYTORCH] = _PyTorch(task)
    return ours | {name: partial(with_peer, peer) for name, peer in peers.items()}


def reached(looks: Iterable[Look], needed: int) -> tuple[bool, Look]:
    """Whether there is a look with so many right, and the first such one, or the last of all."""
    look = Look(0, 0.0, 0)
    for look in looks:
        if look.right >= needed:
            return True, look
    return False, look


def with_memoryspan(
    switch: str, curriculum: Curriculum | UniformLengths, learning_rate: float, question: Question, seed: int
) -> Iterator[Look]:
    """What `memoryspan train` runs; it makes its examples on the way, in its time.

    `switch`, on or off: whether the recurrence runs in C++.
    """
    task = question.task
    in_cpp = patch.object(engine_native, "SETTING", switch)  # read when a program is compiled
    with in_cpp:
        model = lstm(task, units=UNITS, learning_rate=learning_rate, seed=seed)
        measure = make_accuracy_fn(forward(model), task)
        settings = TrainConfig(seed, BATCH_SIZE, Budget(question.budget), curriculum)
        training = chunks([model], task, [settings], reaches_threshold(task, measure))
    looked = 0
    while True:
        with in_cpp:
            (position,) = next(training)
            row = position.row
            if position.status is None and row.updates < looked + question.every:
                continue
            looked = row.updates
            key = jax.random.fold_in(stream(seed, Stream.EVALUATION), looked)
            accuracy = measure(position.state.variables, key, EXAMPLES, task.length)
        yield Look(row.examples, row.seconds, accuracy.n_correct)
        if position.status is not None:
            return


def with_peer(peer: Peer, question: Question, seed: int) -> Iterator[Look]:
    """All examples at the full length; making examples, and answering the fresh ones, is not in the time."""
    task, seconds = question.task, 0.0
    peer.begin(lstm(task, units=UNITS, seed=seed).get_weights())
    per_look = question.every * BATCH_SIZE
    for number in range(1, -(-question.budget // per_look) + 1):
        batches = peer.laid_out(question.examples(seed, number))
        began = time.perf_counter()
        peer.learn(batches)
        seconds += time.perf_counter() - began
        inputs, targets = question.unseen(seed, number)
        right = task.correct(jax.numpy.asarray(peer.answers(inputs)[:, None]), jax.numpy.asarray(targets))
        yield Look(number * per_look, seconds, int(right.sum()))


def in_batches(array: np.ndarray) -> np.ndarray:
    """(examples, …) -> (batches, batch, …)"""
    return array.reshape(-1, BATCH_SIZE, *array.shape[1:])


class _NumPy:
    """`benchmarks.numpy_lstm`."""

    def begin(self, weights: list[np.ndarray]) -> None:
        self._state = fresh(from_keras(*weights))

    def laid_out(self, examples: Examples) -> Any:
        inputs = in_batches(examples.inputs).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(inputs), in_batches(examples.targets)

    def learn(self, batches: Any) -> None:
        for inputs, targets in zip(*batches, strict=True):
            weights: Weights = self._state.weights
            gradient = gradients(weights, walk(weights, inputs), targets)
            self._state = updated(self._state, gradient, LEARNING_RATE, CLIPNORM)

    def answers(self, inputs: np.ndarray) -> np.ndarray:
        return walk(self._state.weights, inputs.transpose(1, 2, 0)).answers


class _Keras:
    """One `fit` a look, on JAX, for examples of one length."""

    def __init__(self, task: Adding):
        layers = [keras.layers.LSTM(UNITS), keras.layers.Dense(1)]
        self._model = keras.Sequential([keras.Input((task.length, task.n_features)), *layers])
        optimizer = keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=CLIPNORM)
        self._model.compile(optimizer, task.loss, steps_per_execution=STEPS_PER_EXECUTION)
        optimizer.build(self._model.trainable_variables)
        self._moments = [(variable, keras.ops.convert_to_numpy(variable)) for variable in optimizer.variables]

    def begin(self, weights: list[np.ndarray]) -> None:
        self._model.set_weights(weights)
        for variable, value in self._moments:
            variable.assign(value)

    def laid_out(self, examples: Examples) -> Any:
        return examples

    def learn(self, batches: Any) -> None:
        silent: Any = 0  # Keras types its own verbose=0 as str
        self._model.fit(batches.inputs, batches.targets, BATCH_SIZE, shuffle=False, verbose=silent)

    def answers(self, inputs: np.ndarray) -> np.ndarray:
        return np.asarray(self._model(inputs))[:, 0]


class _PyTorch:
    """The loop of any PyTorch tutorial, with one thread: several are slower at such a size, or no faster."""

    def __init__(self, task: Adding):
        import torch  # pyright: ignore[reportMissingImports]

        self._torch = torch
        self._recurrent = torch.nn.LSTM(task.n_features, UNITS)
        self._answer = torch.nn.Linear(UNITS, 1)
        self._parameters = [*self._recurrent.parameters(), *self._answer.parameters()]

    def begin(self, weights: list[np.ndarray]) -> None:
        kernel, recurrent, bias, dense, dense_bias = weights
        theirs = kernel.T, recurrent.T, bias, np.zeros_like(bias), dense.T, dense_bias  # gates in the same order
        with self._torch.no_grad():
            for parameter, value in zip(self._parameters, theirs, strict=True):
                parameter.copy_(self._torch.tensor(value))
        self._optimizer = self._torch.optim.Adam(self._parameters, LEARNING_RATE, fused=True)

    def laid_out(self, examples: Examples) -> Any:
        inputs = np.ascontiguousarray(in_batches(examples.inputs).swapaxes(1, 2))  # time first
        targets = in_batches(examples.targets)[..., None]
        return self._torch.tensor(inputs), self._torch.tensor(targets)

    def learn(self, batches: Any) -> None:
        self._torch.set_num_threads(1)
        mean_squared_error = self._torch.nn.MSELoss()
        for inputs, targets in zip(*batches, strict=True):
            self._optimizer.zero_grad()
            mean_squared_error(self._outputs(inputs), targets).backward()
            self._torch.nn.utils.clip_grad_norm_(self._parameters, CLIPNORM)
            self._optimizer.step()

    def answers(self, inputs: np.ndarray) -> np.ndarray:
        with self._torch.no_grad():
            return self._outputs(self._torch.tensor(inputs.swapaxes(0, 1)))[:, 0].numpy()

    def _outputs(self, inputs: Any) -> Any:
        _, (hidden, _) = self._recurrent(inputs)
        return self._answer(hidden[0])
