"""Time to learn the adding problem to one target accuracy: memoryspan, Keras and PyTorch.

Each trains an LSTM and a linear layer with Adam, from the same initial weights, in batches of the same size. Each is
tuned alike: of `LEARNING_RATES`, the one that takes the fewest examples on the tuning seeds is measured on other seeds.
"""

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import click
import numpy as np

from benchmarks.implementations import OURS, STEPS_PER_EXECUTION, engines, use_engine
from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import progress
from memoryspan.backend import jax, keras
from memoryspan.engine import forward
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.models import lstm
from memoryspan.sampling import Stream, stream
from memoryspan.stats import percent
from memoryspan.tasks import Adding, Batch
from memoryspan.training import Budget, Curriculum, TrainConfig, UniformLengths, train_chunks
from memoryspan.training.config import EXAMPLES
from tools.machine import this_machine

UNITS, BATCH_SIZE, CLIPNORM = 8, 32, 1.0

UPDATES = 100
"""Updates between two evaluations."""

LEARNING_RATES = (0.02, 0.04, 0.08, 0.16)

TARGET = 0.91
"""The accuracy that published reproductions of the adding problem reach."""

TUNING_SEED = 1000
"""The first of the seeds on which learning rates are tuned; the measured ones start from 0."""

NO_CURRICULUM = ", no curriculum"

COLUMNS = {
    "trained by": lambda row: row["name"],
    "learning rate": lambda row: f"{row['learning_rate']:g}",
    "reached": lambda row: f"{row['reached']}/{row['seeds']}",
    "examples": lambda row: _or_dash(row["examples"], ",.0f"),
    "seconds": lambda row: _or_dash(row["seconds"], ".2f"),
    "all seeds": lambda row: f"{row['least']:.2f} to {row['most']:.2f}",
    "/ fastest other": lambda row: _or_dash(row["speedup"], ".2f"),
}


class Evaluation(NamedTuple):
    """What a training has taken so far, and its correct predictions on `EXAMPLES` fresh examples."""

    examples: int
    seconds: float
    n_correct: int

    @property
    def reached(self) -> bool:
        """Whether the accuracy is the target or more."""
        return self.n_correct >= TARGET * EXAMPLES


Evaluations = Generator[Evaluation, None, None]

Implementation = Callable[[Adding, float, int], Evaluations]
"""implementation(task, learning_rate, seed) -> the evaluations of one training, on and on."""

Library = Callable[[list[np.ndarray], float], tuple[Callable, Callable]]
"""library(weights of the Keras model, learning_rate) -> (fit(inputs, targets), predict(inputs))"""


@click.command()
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1), help="Measured trainings, from seed 0.")
@click.option("--tuning-seeds", default=2, show_default=True, type=click.IntRange(1), help="Trainings per rate.")
@click.option("--length", default=100, show_default=True, type=click.IntRange(2), help="Time steps.")
@click.option("--budget", default=200_000, show_default=True, type=click.IntRange(1), help="Examples of a training.")
@report_options
def main(seeds: int, tuning_seeds: int, length: int, budget: int, as_json: bool, page: Path | None) -> None:
    """Measure how long memoryspan, Keras and PyTorch take to learn the adding problem.

    Takes about two minutes, most of it tuning.

    Example: python -m benchmarks.time_to_target --length 200 --seeds 5
    """
    task, machine, found = Adding(length), this_machine(), implementations()
    if "PyTorch" not in found:
        click.echo('PyTorch is not installed and is left out. To include it: pip install ".[bench]"', err=True)

    def train_all(rates: dict[str, Sequence[float]], seeds: range, label: str) -> list[Row]:
        trainings = [(name, rate, seed) for seed in seeds for name in found for rate in rates[name]]
        return [
            training(name, rate, seed, until_target(found[name](task, rate, seed), budget))
            for name, rate, seed in progress(trainings, label)
        ]

    # Tuning compiles and fills the caches, too.
    tuning = train_all(dict.fromkeys(found, LEARNING_RATES), range(TUNING_SEED, TUNING_SEED + tuning_seeds), "Tuning")
    trainings = train_all({name: [best_rate(tuning, name)] for name in found}, range(seeds), "Measuring")
    rows, details = compare(trainings), {"tuning": tuning, "trainings": trainings}
    title, text = f"Time to learn adding at length {length}", method(task, tuning_seeds, budget)
    deliver(Report(title, summary(rows), text, rows, COLUMNS, machine, details), as_json, page)


def implementations() -> dict[str, Implementation]:
    """Return all that can run here, on the CPU; PyTorch only if it is installed."""
    ours = {
        engine + suffix: partial(train_memoryspan, engine, with_curriculum)
        for engine in engines()
        for suffix, with_curriculum in (("", True), (NO_CURRICULUM, False))
    }
    others = {"Keras": keras_lstm}
    with suppress(ImportError):  # only the extra `bench` installs it
        import torch  # noqa: F401  # pyright: ignore[reportMissingImports]

        others["PyTorch"] = pytorch_lstm
    return ours | {name: partial(train_library, library) for name, library in others.items()}


def until_target(evaluations: Evaluations, budget: int) -> Evaluation:
    """Return the first evaluation that reaches the target, or else the last one within the budget of examples."""
    last = Evaluation(0, 0.0, 0)
    with closing(evaluations):
        for last in evaluations:
            if last.reached or last.examples >= budget:
                break
    return last


def training(name: str, learning_rate: float, seed: int, last: Evaluation) -> Row:
    """Return the outcome of a training."""
    return {"name": name, "learning_rate": learning_rate, "seed": seed, "reached": last.reached, **last._asdict()}


def train_memoryspan(engine: str, with_curriculum: bool, task: Adding, learning_rate: float, seed: int) -> Evaluations:
    """Run what `memoryspan train` runs; it draws its examples as it trains, within the time."""
    with use_engine(engine):
        model = lstm(task, units=UNITS, learning_rate=learning_rate, global_clipnorm=CLIPNORM, seed=seed)
        accuracy_fn = make_accuracy_fn(forward(model), task)
        curriculum = Curriculum() if with_curriculum else UniformLengths(task.length)
        due = UPDATES
        for snapshot in train_chunks(model, task, TrainConfig(seed, BATCH_SIZE, Budget(None), curriculum)):
            row = snapshot.row
            if row.updates >= due or snapshot.status is not None:
                due = row.updates + UPDATES
                key = jax.random.fold_in(stream(seed, Stream.EVALUATION), row.updates)
                accuracy = accuracy_fn(snapshot.state.variables, key, EXAMPLES, task.length)
                yield Evaluation(row.examples, row.seconds, accuracy.n_correct)


def train_library(library: Library, task: Adding, learning_rate: float, seed: int) -> Evaluations:
    """Train on examples of the full length; drawing them and evaluating are not in the time."""
    fit, predict = library(lstm(task, units=UNITS, seed=seed).get_weights(), learning_rate)
    seconds = 0.0
    for number in count(1):
        examples = draw(task, seed, Stream.TRAINING, number, UPDATES * BATCH_SIZE)
        began = time.perf_counter()
        fit(*examples)
        seconds += time.perf_counter() - began
        inputs, targets = draw(task, seed, Stream.EVALUATION, number, EXAMPLES)
        correct = task.correct(jax.numpy.asarray(predict(inputs)), jax.numpy.asarray(targets))
        yield Evaluation(number * UPDATES * BATCH_SIZE, seconds, int(correct.sum()))


def draw(task: Adding, seed: int, which: Stream, number: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs (examples, time, features) and targets up to an evaluation, or in it."""
    batch = _sample(task, jax.random.fold_in(stream(seed, which), number), examples)
    return np.asarray(batch.inputs), np.asarray(batch.targets)


@partial(jax.jit, static_argnums=(0, 2))
def _sample(task: Adding, key: Any, examples: int) -> Batch:
    return task.sample(key, examples, task.length)


def keras_lstm(weights: list[np.ndarray], learning_rate: float) -> tuple[Callable, Callable]:
    """Return one epoch of `fit`, on JAX, and the forward pass; all trainings share a compiled model."""
    model = _compiled_keras_model(len(weights[0]))
    model.set_weights(weights)
    for variable in model.optimizer.variables:
        variable.assign(np.zeros(variable.shape))
    model.optimizer.learning_rate = learning_rate
    silent: Any = 0  # Keras types its own verbose=0 as str
    return partial(model.fit, batch_size=BATCH_SIZE, shuffle=False, verbose=silent), model


@lru_cache
def _compiled_keras_model(n_features: int) -> keras.Model:
    layers = [keras.layers.LSTM(UNITS), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((None, n_features)), *layers])
    optimizer = keras.optimizers.Adam(global_clipnorm=CLIPNORM)
    model.compile(optimizer, Adding.loss, steps_per_execution=STEPS_PER_EXECUTION)
    optimizer.build(model.trainable_variables)
    return model


def pytorch_lstm(weights: list[np.ndarray], learning_rate: float) -> tuple[Callable, Callable]:
    """Return the usual training loop, and the forward pass, with one thread: at this size, several are no faster."""
    import torch  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(1)
    kernel, recurrent_kernel, bias, *_ = weights
    recurrent, dense = torch.nn.LSTM(len(kernel), UNITS), torch.nn.Linear(UNITS, 1)
    parameters = [*recurrent.parameters(), *dense.parameters()]
    values = [kernel, recurrent_kernel, bias, np.zeros_like(bias), *weights[3:]]  # gates in the same order
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(torch.tensor(value.T))
    optimizer = torch.optim.Adam(parameters, learning_rate, fused=True)

    def forward(x):
        _, (hidden, _) = recurrent(x)
        return dense(hidden[0])

    def fit(inputs: np.ndarray, targets: np.ndarray) -> None:
        batches = torch.tensor(inputs.reshape(-1, BATCH_SIZE, *inputs.shape[1:])).transpose(1, 2).contiguous()
        for x, y in zip(batches, torch.tensor(targets.reshape(-1, BATCH_SIZE, 1)), strict=True):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(forward(x), y).backward()
            torch.nn.utils.clip_grad_norm_(parameters, CLIPNORM)
            optimizer.step()

    def predict(inputs: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return forward(torch.tensor(inputs.swapaxes(0, 1))).numpy()

    return fit, predict


def best_rate(tuning: list[Row], name: str) -> float:
    """Return the learning rate with the fewest examples to the target, in the median over seeds."""

    def examples(rate: float) -> float:
        return _median([row for row in tuning if (row["name"], row["learning_rate"]) == (name, rate)], "examples")

    return min(LEARNING_RATES, key=examples)


def compare(trainings: list[Row]) -> list[Row]:
    """Return one row per implementation: medians, in which a training that missed the target is the slowest."""
    names = list(dict.fromkeys(row["name"] for row in trainings))
    of = {name: [row for row in trainings if row["name"] == name] for name in names}
    seconds = {name: _median(rows, "seconds") for name, rows in of.items()}
    fastest = min((value for name, value in seconds.items() if not name.startswith(OURS)), default=math.inf)
    return [
        {
            "name": name,
            "learning_rate": rows[0]["learning_rate"],
            "reached": sum(row["reached"] for row in rows),
            "seeds": len(rows),
            "examples": _finite(_median(rows, "examples")),
            "seconds": _finite(seconds[name]),
            "least": min(row["seconds"] for row in rows),
            "most": max(row["seconds"] for row in rows),
            "speedup": _finite(fastest / seconds[name]) or None,
        }
        for name, rows in of.items()
    ]


def summary(rows: list[Row]) -> str:
    """Return the speed of memoryspan, or the seeds that reached the target where there is none."""
    speedups = {row["name"]: row["speedup"] for row in rows if row["speedup"] is not None}
    ours = ", ".join(f"{name} {speedup:.2f}" for name, speedup in speedups.items() if name.startswith(OURS))
    if not ours:
        reached = ", ".join(f"{row['name']} {row['reached']} of {row['seeds']}" for row in rows)
        return f"Seeds that reached the target: {reached}."
    fastest = next(name for name, speedup in speedups.items() if speedup == 1)
    return f"Speed relative to the fastest other library here, {fastest}: {ours}."


def method(task: Adding, tuning_seeds: int, budget: int) -> str:
    """Return how everyone was tuned and measured."""
    rates = ", ".join(f"{rate:g}" for rate in LEARNING_RATES)
    return (
        f"LSTM({UNITS}) and a linear layer, batches of {BATCH_SIZE}, Adam, gradients clipped at norm {CLIPNORM:g}, on "
        f"the processor. The target is that {percent(TARGET)} of {EXAMPLES:,} fresh examples of the full length err by "
        f"less than {task.tolerance}, evaluated every {UPDATES} updates; a training stops after {budget:,} examples. "
        f"All are tuned alike: of the learning rates {rates}, each got the one that took the fewest examples in the "
        f"median of {tuning_seeds} tuning seeds, and was measured on other seeds. Nothing else was tuned, and the "
        f"curriculum is the default one. For each seed all start from the same weights and train in turn, in one "
        f"process. Medians, in which a training that missed the target is the slowest. Seconds are those of training, "
        f"without compiling and evaluating. memoryspan runs what `memoryspan train` runs and draws its examples "
        f"within the time; the others find theirs in memory, all of the full length: Keras on JAX, unshuffled, with "
        f"{STEPS_PER_EXECUTION} steps per execution; PyTorch's `nn.LSTM` with time first, a fused Adam and one "
        f"thread. The last column is the speed relative to the fastest other library."
    )


def _median(rows: list[Row], figure: str) -> float:
    return median(row[figure] if row["reached"] else math.inf for row in rows)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _or_dash(value: float | None, digits: str) -> str:
    return "-" if value is None else format(value, digits)


if __name__ == "__main__":
    main()
