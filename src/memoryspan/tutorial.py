"""The echo tutorial: a vanilla LSTM is shown a random sequence and asked for one of its values.

The problem and its script are Jason Brownlee's, from "Long Short-Term Memory Networks With Python" (2017),
chapter 6. Names, argument order and results are the published ones, so that a cell written for the tutorial
runs on these functions unchanged. They are NumPy and plain Keras: nothing of the package's engine is in them.

`run_tutorial` runs the nine steps. As usually published (length 50, 100 symbols, 10 examples) it ends at
about 0 %, and prints why. The book's own script, which learns, is
`run_tutorial(Tutorial(length=5, n_features=10, examples=10_000))`.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int, Num

from memoryspan import machine
from memoryspan.errors import TaskError
from memoryspan.validate import checked, position, seed_number, shown, whole_number

if TYPE_CHECKING:
    from memoryspan.backend import keras

Tokens = Sequence[int] | Int[np.ndarray, " length"]
Rng = int | np.random.Generator | None
Example = tuple[Int[np.ndarray, "1 length n_features"], Int[np.ndarray, "1 n_features"]]

# Keras spells its own verbose=0 and verbose=2 as str: hence each `pyright: ignore` below.

TESTS = 100
"""Fresh examples in the evaluation, as published."""

MAX_LINES = 100
"""The maximum number of fits that each print a line, as published."""


# The data: steps 1 to 4


@checked
def generate_sequence(length: int, n_features: int, *, rng: Rng = None) -> list[int]:
    """Draw `length` values from 0 to `n_features - 1`.

    Every call differs, unless `rng` is a seed, which gives the same sequence at every call, or a NumPy
    `Generator`, whose state advances.
    """
    whole_number("length", length, at_least=1, instead="50, for example")
    whole_number("n_features", n_features, at_least=1, instead="100, for example")
    if rng is not None and not isinstance(rng, np.random.Generator):
        whole_number("rng", rng, at_least=0, at_most=2**64, instead="0, for example")
    return np.random.default_rng(rng).integers(n_features, size=length).tolist()


@checked
def one_hot_encode(sequence: Tokens, n_features: int) -> Int[np.ndarray, "length n_features"]:
    """Turn each value into a row of zeros with a one at the value's place."""
    whole_number("n_features", n_features, at_least=1, instead="100, for example")
    values = _as_values(sequence)
    low, high = values.min(), values.max()
    if low < 0 or high >= n_features:
        raise TaskError(
            f"The values of a sequence must lie between 0 and {n_features - 1} for n_features={n_features}, "
            f"got {low} to {high}: use values from 0 on and n_features={max(high + 1, 1)} or more."
        )
    return (values[:, None] == np.arange(n_features)).astype(int)


@checked
def one_hot_decode(encoded: Num[np.ndarray, "length n_features"]) -> list[int]:
    """Return the index of the largest entry of each row, of one-hot rows or of predicted probabilities."""
    rows = np.asarray(encoded)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise TaskError(
            f"one_hot_decode takes rows of n_features numbers, an array of rank 2, got shape {rows.shape}: "
            f"decode a batch of sequences one by one, [one_hot_decode(x) for x in X]."
        )
    return rows.argmax(axis=1).tolist()


@checked
def generate_example(length: int, n_features: int, out_index: int, *, rng: Rng = None) -> Example:
    """Make one input `X`, a batch of one sequence, and its answer `y`, the value at `out_index`.

    In a loop, pass `rng` as a `Generator`: a seed would make the same example each time.
    """
    whole_number("length", length, at_least=1, instead="50, for example")
    position("out_index", out_index, length)
    encoded = one_hot_encode(generate_sequence(length, n_features, rng=rng), n_features)
    X = encoded.reshape(1, length, n_features)
    y = encoded[out_index].reshape(1, n_features)
    return X, y


# The model: steps 5 to 9


@checked
def vanilla_lstm(length: int = 50, n_features: int = 100, units: int = 25) -> "keras.Sequential":
    """Return the tutorial's model, compiled: one LSTM and a softmax over the symbols, 15,200 parameters."""
    whole_number("length", length, at_least=1, instead="50, for example")
    _require_symbols(n_features)
    whole_number("units", units, at_least=1, instead="25, for example")
    from memoryspan.backend import keras

    model = keras.Sequential(
        [
            keras.Input((length, n_features)),
            keras.layers.LSTM(units),
            keras.layers.Dense(n_features, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["acc"])
    return model


def fit_one_by_one(
    model: "keras.Model", examples: Iterable[Example], print_fn: Callable[[str], object] = print
) -> None:
    """Fit on one example at a time, a call of `fit` and a printed line each, as published."""
    for X, y in examples:
        with redirect_stdout(StringIO()) as line:  # Keras has no print_fn for it
            model.fit(X, y, epochs=1, verbose=2)  # pyright: ignore[reportArgumentType]
        print_fn(line.getvalue().rstrip("\n"))


def fit_stream(
    model: "keras.Model",
    examples: Iterator[Example],
    count: int,
    progress: Callable[[int, int], object] | None = None,
) -> None:
    """Make the same updates as `fit_one_by_one` in one call of `fit`, several times as fast and silently.

    Each of the `count` examples is a batch of its own, and they are taken in order. `progress(done, count)`
    is called at the start, since the first update waits for the compiler, and after each update.
    """
    from memoryspan.backend import keras

    callbacks = []
    if progress is not None:
        progress(0, count)
        after_each = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: progress(batch + 1, count))
        callbacks.append(after_each)
    model.fit(
        examples,
        steps_per_epoch=count,
        epochs=1,
        shuffle=False,  # else Keras warns that it cannot shuffle a stream
        verbose=0,  # pyright: ignore[reportArgumentType]
        callbacks=callbacks,
    )


def evaluate(model: "keras.Model", examples: Iterable[Example]) -> float:
    """Return the fraction of examples that the model predicts correctly."""
    X, y = (np.concatenate(arrays) for arrays in zip(*examples, strict=True))
    # One at a time, as published, but in one call: the same compiled program serves the prediction after it.
    yhat = model.predict(X, batch_size=1, verbose=0)  # pyright: ignore[reportArgumentType]
    return float(np.mean(np.equal(one_hot_decode(yhat), one_hot_decode(y))))


# The nine steps


@dataclass(frozen=True)
class Tutorial:
    """The settings of the tutorial: the lengths of sequences, the symbols, the value to echo, the examples."""

    length: int = 50
    n_features: int = 100
    out_index: int = 2
    units: int = 25
    examples: int = 10
    seed: int | None = None

    def __post_init__(self) -> None:
        """Raise `TaskError` on settings that make no sense."""
        whole_number("length", self.length, at_least=1, instead="50, for example")
        _require_symbols(self.n_features)
        position("out_index", self.out_index, self.length)
        whole_number("units", self.units, at_least=1, instead="25, for example")
        whole_number("examples", self.examples, at_least=1, instead="10, for example")
        machine.require_memory(
            8 * TESTS * self.length * self.n_features, f"{TESTS} one-hot examples of {self.length:,} rows"
        )
        parameters = 4 * self.units * (self.n_features + self.units + 1)
        machine.require_memory(machine.TRAINED_PARAMETER * parameters, f"An LSTM of {self.units:,} units")
        if self.seed is not None:
            seed_number(self.seed)

    @property
    def lag(self) -> int:
        """Steps between the value and the answer."""
        return self.length - 1 - self.out_index


@dataclass(frozen=True)
class TutorialResult:
    """The result of the tutorial: the evaluation, and the one prediction that it prints."""

    accuracy: float  # a fraction of 1, where the tutorial prints percent
    sequence: tuple[int, ...]
    expected: int
    predicted: int
    parameters: int


def run_tutorial(
    settings: Tutorial | None = None,
    *,
    print_fn: Callable[[str], object] = print,
    progress: Callable[[int, int], object] | None = None,
) -> TutorialResult:
    """Run the nine steps and print what the tutorial prints, then why it ended as it did.

    Above 100 examples their lines give way to calls of `progress(done, total)`. A seed also seeds Python's,
    NumPy's and Keras's global generators, from which Keras draws the initial weights.
    """
    settings = settings or Tutorial()
    rng = np.random.default_rng(settings.seed)
    _prepare(settings, rng, print_fn)

    print_fn("5. Build the model")
    model = _seeded_model(settings)
    model.summary(print_fn=print_fn)

    print_fn(f"6. Fit it, one example at a time: {settings.examples:,} of them")
    _fit(model, settings, rng, print_fn, progress)

    print_fn(f"\n7. Evaluate it on {TESTS} fresh examples")
    accuracy = evaluate(model, _fresh(settings, TESTS, rng))
    print_fn(f"{_right(accuracy)} right, {TESTS - _right(accuracy)} wrong\n")

    print_fn("8. The accuracy, in percent")
    print_fn(f"Accuracy: {accuracy * 100:f}\n")

    print_fn("9. Predict one more")
    X, y = next(_fresh(settings, 1, rng))
    yhat = model.predict(X, verbose=0)  # pyright: ignore[reportArgumentType]
    print_fn(f"Sequence: {[one_hot_decode(x) for x in X]}")
    print_fn(f"Expected: {one_hot_decode(y)}")
    print_fn(f"Predicted: {one_hot_decode(yhat)}\n")

    (sequence,), (expected,), (predicted,) = map(one_hot_decode, X), one_hot_decode(y), one_hot_decode(yhat)
    print_fn(verdict(settings, accuracy, hit=expected == predicted))
    return TutorialResult(accuracy, tuple(sequence), expected, predicted, model.count_params())


def _prepare(settings: Tutorial, rng: np.random.Generator, print_fn: Callable[[str], object]) -> None:
    """Run the steps 1 to 4, which make an example."""
    length, n_features, out_index = settings.length, settings.n_features, settings.out_index

    print_fn(f"1. Generate a sequence: {length} values from 0 to {n_features - 1}")
    sequence = generate_sequence(length, n_features, rng=rng)
    print_fn(f"{sequence}\n")

    print_fn("2. One-hot encode it: a row for each value")
    encoded = one_hot_encode(sequence, n_features)
    print_fn(f"{encoded}\n")

    print_fn("3. Decode the rows: the sequence again")
    print_fn(f"{one_hot_decode(encoded)}\n")

    print_fn(f"4. Reshape to an example: X is one sequence, y its value at index {out_index}")
    X, y = generate_example(length, n_features, out_index, rng=rng)
    print_fn(f"{X.shape}\n{y.shape}\n")


def verdict(settings: Tutorial, accuracy: float, hit: bool = False) -> str:
    """Return why the tutorial ended as it did, and what to type next; `hit`: whether its one prediction is right."""
    chance, right = 1 / settings.n_features, _right(accuracy)
    luck = sum(_guessed(k, chance) for k in range(right, TESTS + 1))
    if luck < 0.001:
        lines = [
            f"It learns, because the gradient has only {_count(settings.lag, 'step')} to cross.",
            "At length 50 there are 47, and even 100,000 full-length examples leave the model at chance.",
            "What is missing there is the order of lengths, short ones first: the curriculum.",
        ]
    else:
        lucky = _guessed(right, chance)
        odds = f", and a guesser has {right} of {TESTS} right with probability {lucky:.2g}" if lucky >= 0.001 else ""
        lucky_hit = ["The prediction above is right by luck: the next one will hardly be."] if hit else []
        lines = [
            f"Why: one guess in {settings.n_features} is right{odds}.",
            *lucky_hit,
            f"After {_count(settings.examples, 'example')} it still guesses; at length 50 it does after "
            f"100,000 full-length ones,",
            "because the gradient has to cross 47 steps before anything has been learned.",
            "What is missing is the order of lengths, short ones first: the curriculum.",
        ]
    return "\n".join([*lines, "Next: memoryspan train"])


def _right(accuracy: float) -> int:
    return round(accuracy * TESTS)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _guessed(right: int, chance: float) -> float:
    """Return the probability that a guesser has exactly this many of the fresh examples right."""
    return math.comb(TESTS, right) * chance**right * (1 - chance) ** (TESTS - right)


def _fresh(settings: Tutorial, count: int, rng: np.random.Generator) -> Iterator[Example]:
    for _ in range(count):
        yield generate_example(settings.length, settings.n_features, settings.out_index, rng=rng)


def _seeded_model(settings: Tutorial) -> "keras.Sequential":
    from memoryspan.backend import keras

    if settings.seed is not None:
        keras.utils.set_random_seed(int(settings.seed))
    return vanilla_lstm(settings.length, settings.n_features, settings.units)


def _fit(
    model: "keras.Model",
    settings: Tutorial,
    rng: np.random.Generator,
    print_fn: Callable[[str], object],
    progress: Callable[[int, int], object] | None,
) -> None:
    examples = _fresh(settings, settings.examples, rng)
    if settings.examples <= MAX_LINES:
        fit_one_by_one(model, examples, print_fn)
    else:
        fit_stream(model, examples, settings.examples, progress)


# What makes no sense


def _require_symbols(n_features: int) -> None:
    """Raise `TaskError` below two symbols: a softmax over one is always 1, though a sequence may have one."""
    whole_number("n_features", n_features, at_least=2, instead="100, for example")


def _as_values(sequence: Tokens) -> Int[np.ndarray, " length"]:
    try:
        values = np.asarray(sequence)
    except ValueError:  # rows of unequal length
        values = np.empty((0, 0))
    if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "iu":
        raise TaskError(
            f"A sequence is a list of one whole number or more, got {shown(sequence)}: use "
            f"[3, 1, 4], for example, or generate_sequence(length, n_features)."
        )
    return values
