"""What it takes to have solved a task: two looks in a row, at fresh examples each."""

from collections.abc import Callable

from jaxtyping import Array

from memoryspan.accuracy import Accuracy
from memoryspan.tasks import Task
from memoryspan.training.position import TrainSnapshot, evaluation_key
from memoryspan.training.settings import EXAMPLES, TrainConfig

Proof = Callable[[TrainSnapshot, TrainConfig], Accuracy | None]
"""The accuracy at the full length by which the task is solved; None where it is not."""


def confirm_on_two_samples(look: Callable[[TrainSnapshot, TrainConfig, Array], Accuracy | None]) -> Proof:
    """Solved where two looks in a row, at fresh examples each, find what they look for (one that does not is None).

    With one look after every chunk, many chances to be lucky would add up; the accuracy is that of the second, which
    was not chosen by what it shows.
    """

    def proof(position: TrainSnapshot, settings: TrainConfig) -> Accuracy | None:
        keys = (evaluation_key(settings.seed, position.row, draw) for draw in (1, 2))
        solved = all((accuracy := look(position, settings, key)) is not None for key in keys)
        return accuracy if solved else None

    return proof


def twice(task: Task, measure: Callable[..., Accuracy]) -> Proof:
    """Solved where both draws reach the threshold of the settings.

    `measure` is the `make_accuracy_fn` of the model, or of one of several alike.
    """

    def look(position: TrainSnapshot, settings: TrainConfig, key: Array) -> Accuracy | None:
        accuracy = measure(position.state.variables, key, EXAMPLES, task.length, settings.enough)
        return accuracy if accuracy.n_correct >= settings.enough else None

    return confirm_on_two_samples(look)
