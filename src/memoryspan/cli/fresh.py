"""Fresh examples to show."""

from typing import TYPE_CHECKING

from memoryspan.cli.output import say

if TYPE_CHECKING:
    import numpy as np

    from memoryspan.backend import keras
    from memoryspan.tasks import Batch, Task

SHOWN = 50
"""Symbols of a longer sequence that are printed; with --json, all are."""


def fresh_batch(task: "Task", seed: int, count: int = 1) -> "Batch":
    """Examples of the task's full length."""
    from memoryspan.sampling import Stream, stream
    from memoryspan.validate import seed_number

    seed_number(seed)
    return task.sample(stream(seed, Stream.SHOWN), count, task.length)


def fresh_examples(task: "Task", seed: int, count: int = 1) -> "tuple[list[np.ndarray], list, list[np.ndarray]]":
    """Sequences of the task's full length, the right answers asked for, and where those are."""
    import numpy as np

    batch = fresh_batch(task, seed, count)
    inputs, targets, asked = (np.asarray(part) for part in (batch.inputs, batch.targets, batch.asked))
    return list(inputs), [where_asked(*pair) for pair in zip(targets, asked, strict=True)], list(asked)


def answers_asked(answer, asked) -> object:
    """The answers at the places where one is asked for, to print."""
    return where_asked(answer[..., 0] if answer.dtype.kind == "f" else answer, asked)


def where_asked(answer, asked) -> object:
    """One answer, or the list of those asked for, numbers shortened."""
    kept = (answer[asked] if asked.ndim else answer).tolist()
    shorten = (lambda value: round(value, 3)) if answer.dtype.kind == "f" else int
    return [shorten(value) for value in kept] if isinstance(kept, list) else shorten(kept)


def show(sequence: list, expected: object, predicted: object) -> None:
    """Prints an example as the tutorial does; `expected` may be None."""
    say(f"Sequence: {_elided(sequence)}")
    if expected is not None:
        say(f"Expected: {_answers(expected)}")
    say(f"Predicted: {_answers(predicted)}")


def _answers(answers: object) -> str:
    return _elided(answers) if isinstance(answers, list) else str(answers)


def _elided(sequence: list) -> str:
    """A sequence as a list, without its middle where nobody would read it."""
    sequence = list(map(_plain, sequence))
    if len(sequence) <= 2 * SHOWN:
        return f"[{', '.join(sequence)}]"
    missing = f"… {len(sequence) - SHOWN:,} more …"
    return f"[{', '.join(sequence[: SHOWN - 5])}, {missing}, {', '.join(sequence[-5:])}]"


def _plain(step) -> str:
    """A symbol, or a vector with its numbers shortened."""
    return f"[{', '.join(f'{value:.3g}' for value in step)}]" if isinstance(step, list) else str(step)


def show_fresh(model: "keras.Model", task: "Task", seed: int, count: int) -> None:
    """Prints the model's answers to fresh examples."""
    from memoryspan.prediction import predict

    sequences, expected, asked = fresh_examples(task, seed, count)
    answers = predict(model, sequences)
    for sequence, right, answer, places in zip(sequences, expected, answers, asked, strict=True):
        show(sequence.tolist(), right, answers_asked(answer, places))
