"""Fresh examples to show."""

from typing import TYPE_CHECKING

from memoryspan.cli.output import say

if TYPE_CHECKING:
    from memoryspan.backend import keras
    from memoryspan.tasks import Task

SHOWN = 50
"""Symbols of a longer sequence that are printed; with --json, all are."""


def fresh_examples(task: "Task", seed: int, count: int = 1) -> tuple[list, list]:
    """Sequences of the task's full length, and the right answers."""
    import numpy as np

    from memoryspan.sampling import Stream, stream
    from memoryspan.validate import seed_number

    seed_number(seed)
    batch = task.sample(stream(seed, Stream.SHOWN), count, task.length)
    return np.asarray(batch.inputs).tolist(), np.asarray(batch.targets).tolist()


def show(sequence: list, expected: object, predicted: object) -> None:
    """Prints an example as the tutorial does; `expected` may be None."""
    say(f"Sequence: {_elided(sequence)}")
    if expected is not None:
        say(f"Expected: {expected}")
    say(f"Predicted: {predicted}")


def _elided(sequence: list) -> str:
    """A sequence as a list, without its middle where nobody would read it."""
    if len(sequence) <= 2 * SHOWN:
        return str(sequence)
    missing = f"… {len(sequence) - SHOWN:,} more …"
    return f"[{', '.join(map(str, sequence[: SHOWN - 5]))}, {missing}, {', '.join(map(str, sequence[-5:]))}]"


def show_fresh(model: "keras.Model", task: "Task", seed: int, count: int) -> None:
    """Prints the model's answers to fresh examples."""
    from memoryspan.prediction import predict

    sequences, expected = fresh_examples(task, seed, count)
    for sequence, right, answer in zip(sequences, expected, predict(model, sequences), strict=True):
        show(sequence, right, answer.tolist())
