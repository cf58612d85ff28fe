"""Fresh examples, and a model's answers to them."""

from typing import TYPE_CHECKING

from memoryspan.cli.output import say

if TYPE_CHECKING:
    import numpy as np

    from memoryspan.backend import keras
    from memoryspan.tasks import Batch, Task

SHOWN = 50
"""The number of steps that are printed of a longer sequence; --json prints all."""

GLANCE = 6
"""The same, where an example is a line."""


def fresh_batch(task: "Task", seed: int, count: int = 1) -> "Batch":
    """Return examples of the task's full length."""
    from memoryspan.sampling import Stream, stream
    from memoryspan.validate import seed_number

    seed_number(seed)
    return task.sample(stream(seed, Stream.SHOWN), count, task.length)


def fresh_examples(task: "Task", seed: int, count: int = 1) -> "tuple[list[np.ndarray], list, list[np.ndarray]]":
    """Return sequences of the task's full length, the expected answers, and the mask of their steps."""
    import numpy as np

    batch = fresh_batch(task, seed, count)
    inputs, targets, asked = (np.asarray(part) for part in (batch.inputs, batch.targets, batch.target_mask))
    return list(inputs), [where_asked(*pair) for pair in zip(targets, asked, strict=True)], list(asked)


def output_for(model: "keras.Model", sequence, task: "Task | None" = None, reads=None) -> "np.ndarray":
    """Return the model's output for one sequence of symbols, numbers or vectors."""
    from memoryspan.inference.predict import predict

    output = predict(model, as_one(sequence), task=task, reads=reads, probabilities=True)
    return output[0] if isinstance(output, list) else output


def as_one(sequence):
    """Return one sequence in a form that cannot be taken for several: vectors as a batch of one."""
    return [sequence] if len(sequence) and hasattr(sequence[0], "__len__") else sequence


def answers_asked(answer, asked) -> object:
    """Return the model's answers at the steps in the mask, for printing."""
    is_number = answer.dtype.kind == "f" and answer.shape[-1] == 1
    return where_asked(answer[..., 0] if is_number else answer, asked)


def where_asked(answer, asked) -> object:
    """Return the answer, or the list of those in the mask, with numbers rounded."""
    return _shortened((answer[asked] if asked.ndim else answer).tolist())


def _shortened(answer):
    if isinstance(answer, list):
        return [_shortened(one) for one in answer]
    return round(answer, 3) if isinstance(answer, float) else answer


def show(sequence: list, expected: object, predicted: object) -> None:
    """Print an example as the tutorial does; `expected` may be None."""
    say(f"Sequence: {_elided(sequence)}")
    if expected is not None:
        say(f"Expected: {_answers(expected)}")
    say(f"Predicted: {_answers(predicted)}")


def _answers(answers: object, shown: int = SHOWN) -> str:
    return _elided(answers, shown) if isinstance(answers, list) else _plain(answers)


def _elided(sequence: list, shown: int = SHOWN) -> str:
    """Return a sequence as text, `shown` of its steps if it has more than twice as many."""
    sequence = list(map(_plain, sequence))
    if len(sequence) <= 2 * shown:
        return f"[{', '.join(sequence)}]"
    missing, last = f"… {len(sequence) - shown:,} more …", max(1, shown // 10)
    return f"[{', '.join(sequence[: shown - last])}, {missing}, {', '.join(sequence[-last:])}]"


def _plain(step) -> str:
    """Return a symbol, a rounded number, or a vector of them as text."""
    if isinstance(step, list):
        return f"[{', '.join(map(_plain, step))}]"
    return f"{step:.4g}" if isinstance(step, float) else str(step)


def show_fresh(model: "keras.Model", task: "Task", seed: int, count: int) -> None:
    """Print the model's answers to fresh examples, a line each."""
    from memoryspan.inference.predict import decode_output, is_classifier

    of_classes = is_classifier(model, task)
    for sequence, right, places in zip(*fresh_examples(task, seed, count), strict=True):
        answer = decode_output(output_for(model, sequence, task), of_classes)
        inputs, outputs = _elided(sequence.tolist(), GLANCE), _answers(answers_asked(answer, places), GLANCE)
        say(f"{inputs}: expected {_answers(right, GLANCE)}, predicted {outputs}")
