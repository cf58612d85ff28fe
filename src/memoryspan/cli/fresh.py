"""Fresh examples to show."""

from typing import TYPE_CHECKING

from memoryspan.cli.output import say

if TYPE_CHECKING:
    import numpy as np

    from memoryspan.backend import keras
    from memoryspan.tasks import Batch, Task

SHOWN = 50
"""Steps of a longer sequence that are printed; with --json, all are."""


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
    inputs, targets, asked = (np.asarray(part) for part in (batch.inputs, batch.targets, batch.target_mask))
    return list(inputs), [where_asked(*pair) for pair in zip(targets, asked, strict=True)], list(asked)


def output_for(model: "keras.Model", sequence, task: "Task | None" = None, reads=None) -> "np.ndarray":
    """What the model puts out for one sequence, of symbols, numbers or vectors."""
    from memoryspan.inference.predict import predict

    output = predict(model, as_one(sequence), task=task, reads=reads, probabilities=True)
    return output[0] if isinstance(output, list) else output


def as_one(sequence):
    """One sequence in a form that cannot be taken for several: vectors as a batch of one."""
    return [sequence] if len(sequence) and hasattr(sequence[0], "__len__") else sequence


def answers_asked(answer, asked) -> object:
    """The answers at the places where one is asked for, to print."""
    is_number = answer.dtype.kind == "f" and answer.shape[-1] == 1
    return where_asked(answer[..., 0] if is_number else answer, asked)


def where_asked(answer, asked) -> object:
    """One answer, or the list of those asked for, numbers shortened."""
    return _shortened((answer[asked] if asked.ndim else answer).tolist())


def _shortened(answer):
    if isinstance(answer, list):
        return [_shortened(one) for one in answer]
    return round(answer, 3) if isinstance(answer, float) else answer


def show(sequence: list, expected: object, predicted: object) -> None:
    """Prints an example as the tutorial does; `expected` may be None."""
    say(f"Sequence: {_elided(sequence)}")
    if expected is not None:
        say(f"Expected: {_answers(expected)}")
    say(f"Predicted: {_answers(predicted)}")


def _answers(answers: object) -> str:
    return _elided(answers) if isinstance(answers, list) else _plain(answers)


def _elided(sequence: list) -> str:
    """A sequence as a list, without its middle where nobody would read it."""
    sequence = list(map(_plain, sequence))
    if len(sequence) <= 2 * SHOWN:
        return f"[{', '.join(sequence)}]"
    missing = f"… {len(sequence) - SHOWN:,} more …"
    return f"[{', '.join(sequence[: SHOWN - 5])}, {missing}, {', '.join(sequence[-5:])}]"


def _plain(step) -> str:
    """A symbol, a number shortened, or a vector of such."""
    if isinstance(step, list):
        return f"[{', '.join(map(_plain, step))}]"
    return f"{step:.4g}" if isinstance(step, float) else str(step)


def show_fresh(model: "keras.Model", task: "Task", seed: int, count: int) -> None:
    """Prints the model's answers to fresh examples."""
    from memoryspan.inference.predict import answer_of, answers_classes

    of_classes = answers_classes(model, task)
    for sequence, right, places in zip(*fresh_examples(task, seed, count), strict=True):
        answer = answer_of(output_for(model, sequence, task), of_classes)
        show(sequence.tolist(), right, answers_asked(answer, places))
