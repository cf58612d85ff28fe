"""When a training ends.

After each chunk `check_stop` decides. A training ends solved where the current length is the full one, the running
accuracy has reached the threshold, and a test on two samples of fresh examples confirms it; else where its budget is
spent, or where nothing has been finite for long. Testing at each chunk would cost more than training where sequences
are long, so that it waits for each tenth update at the full length, and the end of the budget.
"""

from collections.abc import Callable
from dataclasses import replace

from jaxtyping import Array

from memoryspan.accuracy import Accuracy
from memoryspan.errors import InsufficientMemoryError
from memoryspan.tasks import Task
from memoryspan.training.config import EXAMPLES, TrainConfig
from memoryspan.training.result import Status
from memoryspan.training.snapshot import TrainSnapshot, evaluation_key
from memoryspan.training.state import TrainState
from memoryspan.training.update import UPDATES, updates_at

SKIPPED_IN_A_ROW = 100
"""Updates in a row that were not finite, after which a training is given up."""

SolvedTest = Callable[[TrainSnapshot, TrainConfig], Accuracy | None]
"""Returns the accuracy at the full length by which the task is solved; None where it is not."""


def check_stop(snapshot: TrainSnapshot, task: Task, config: TrainConfig, solved: SolvedTest) -> TrainSnapshot:
    """Return the snapshot with its status where the training ends, and with the accuracy by which it is solved."""
    row, state = snapshot.row, snapshot.state
    if snapshot.status is not None:
        return snapshot
    spent = config.budget.spent(row.examples, row.tokens, row.seconds)
    if row.length == task.length and (spent or _test_is_due(state, task)) and _seems_solved(state, config, task):
        accuracy = solved(snapshot, config)
        if accuracy is not None:
            return replace(snapshot, status=Status.SOLVED, accuracy=accuracy)
    if int(state.skipped_in_a_row) >= SKIPPED_IN_A_ROW:
        return replace(snapshot, status=Status.NOT_FINITE)
    if spent:
        return replace(snapshot, status=Status.BUDGET)
    return snapshot


def _test_is_due(state: TrainState, task: Task) -> bool:
    """Return whether the chunk had a tenth update: far out a test costs as much as fifteen of them."""
    return int(state.progress.updates) % UPDATES < updates_at(task.length)


def _seems_solved(state: TrainState, config: TrainConfig, task: Task) -> bool:
    """Return whether the last batches promise that a test on fresh examples is worth it."""
    lasted = config.schedule.has_lasted(state.progress, task.length)
    return float(state.progress.accuracy) >= config.threshold and bool(lasted)


def confirm_on_two_samples(evaluate: Callable[[TrainSnapshot, TrainConfig, Array], Accuracy | None]) -> SolvedTest:
    """Return the test that two evaluations in a row succeed, on fresh examples each; one that fails returns None.

    With one evaluation after every chunk, many chances to be lucky would add up. The accuracy is that of the second,
    which was not chosen by its outcome.
    """

    def solved(snapshot: TrainSnapshot, config: TrainConfig) -> Accuracy | None:
        keys = (evaluation_key(config.seed, snapshot.row, draw) for draw in (1, 2))
        confirmed = all((accuracy := evaluate(snapshot, config, key)) is not None for key in keys)
        return accuracy if confirmed else None

    return solved


def reaches_threshold(task: Task, accuracy_fn: Callable[..., Accuracy]) -> SolvedTest:
    """Return the test that the accuracy on both samples proves the threshold of the config.

    `accuracy_fn` is the `make_accuracy_fn` of the model, or of one of several alike.
    """

    def evaluate(snapshot: TrainSnapshot, config: TrainConfig, key: Array) -> Accuracy | None:
        required = config.required_correct
        accuracy = accuracy_fn(snapshot.state.variables, key, EXAMPLES, task.length, required)
        return accuracy if accuracy.n_correct >= required else None

    return confirm_on_two_samples(evaluate)


def full_accuracy(
    snapshot: TrainSnapshot, task: Task, config: TrainConfig, accuracy_fn: Callable[..., Accuracy]
) -> Accuracy | None:
    """Return the accuracy at the full length, or None where that does not fit into memory."""
    try:
        return accuracy_fn(snapshot.state.variables, evaluation_key(config.seed, snapshot.row), EXAMPLES, task.length)
    except InsufficientMemoryError:
        return None
