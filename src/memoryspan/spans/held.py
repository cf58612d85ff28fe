"""The held span: how far back a trained model remembers, without more training.

The longest length at which its accuracy is proved: of 1,000 fresh examples of exactly that length so many are right
that the lower end of the 95 % Wilson interval is at least 95 %. It is found by doubling, then bisecting.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from memoryspan.accuracy import Accuracy, accuracy_table
from memoryspan.backend import keras
from memoryspan.engine import forward, variables_of
from memoryspan.engine.forward import NEAR, input_shape
from memoryspan.errors import InsufficientMemoryError
from memoryspan.inference.evaluate import check_compatible, make_accuracy_fn
from memoryspan.sampling import Stream, stream
from memoryspan.spans.cell import Span
from memoryspan.stats import wilson
from memoryspan.tasks import Task
from memoryspan.tasks.base import at_length
from memoryspan.validate import seed_number, whole_number

EXAMPLES = 1000
"""Fresh examples that decide whether a length is held."""

THRESHOLD = 0.95
"""What the lower end of the 95 % interval has to reach."""

ENOUGH = next(n for n in range(EXAMPLES + 1) if wilson(n, EXAMPLES)[0] >= THRESHOLD)
"""The right answers that takes, of `EXAMPLES`."""

FINENESS = 32
"""Bisecting ends within one part in so many of the length: finer differences drown in which examples are drawn."""

MISSED = 2
"""Lengths in a row, beyond the one it was trained on, at which a model has failed before nobody looks further."""

Measure = Callable[[int, int], Accuracy]
"""measure(length, enough): the accuracy at a length; counting ends once `enough` right answers are out of reach."""


@dataclass(frozen=True)
class Held:
    """How far a trained model holds, and its accuracy by length, shortest first."""

    span: Span
    curve: tuple[Accuracy, ...]

    def _repr_html_(self) -> str:
        return accuracy_table(self.curve, f"held span: {self.span}")


def held_span(
    model: keras.Model,
    task: Task,
    *,
    max_length: int = 16_384,
    seed: int = 0,
    on_accuracy: Callable[[Accuracy], None] = lambda accuracy: None,
) -> Held:
    """The held span of any Keras model on a task, from its shortest length to `max_length`.

    `task.length` is the length that the model was trained on, and is looked at whatever comes before. A model
    that takes no more than a fixed length is looked at up to that.
    `on_accuracy` is called with each length that is measured.

    Raises:
        ModelError: the model does not fit the task.
        TaskError: `max_length` is below the task's shortest length, or `seed` is none.
    """
    seed_number(seed)
    require_max_length(max_length, task)
    max_length = min(max_length, input_shape(model)[1] or max_length)  # a model of a fixed length takes no more
    fwd, variables = forward(model), variables_of(model)
    max_length = next(filter(fwd.takes, range(max_length, max(max_length - NEAR, task.min_length - 1), -1)), max_length)
    trained, task = min(task.length, max_length), at_length(task, max_length)
    check_compatible(model, task)
    count = make_accuracy_fn(fwd, task)

    def measure(length: int, enough: int) -> Accuracy:
        accuracy = count(variables, stream(seed, Stream.EVALUATION), EXAMPLES, length, enough)
        on_accuracy(accuracy)
        return accuracy

    return hold(measure, task, max_length, trained, lambda length: fwd.length_from(length, max_length))


def require_max_length(max_length: int, task: Task) -> None:
    """Raises `TaskError` where the longest length is shorter than the shortest."""
    whole_number(
        "max_length",
        max_length,
        at_least=task.min_length,
        given=f", the shortest length of {task.name}",
        instead="4096",
    )


def hold(
    measure: Measure, task: Task, max_length: int, trained: int, taken: Callable[[int], int] = lambda length: length
) -> Held:
    """Doubles from the shortest length until, beyond the trained one, the model fails; bisects between the last two.

    `taken(length)` is the next length, this one or a longer one, that the model takes.
    """
    found: dict[int, Accuracy] = {}

    def holds(length: int, enough: int = 0) -> bool:
        length = taken(length)
        if length not in found:
            found[length] = measure(length, enough)
        return found[length].n_correct >= ENOUGH

    lengths = {
        taken(length) for length in (task.min_length, *_powers_of_two(task.min_length, max_length), trained, max_length)
    }
    full = _double(holds, sorted(lengths), trained)
    best = max((length for length in found if holds(length)), default=None)
    if best is not None and best != max_length:
        worst = min((length for length in found if length > best), default=best + 1)
        best = taken(bisect(lambda length: holds(length, ENOUGH), best, worst))
    curve = tuple(found[length] for length in sorted(found))
    return Held(span(task, best, at_least=best is not None and (best == max_length or not full)), curve)


def _double(holds: Callable[[int], bool], lengths: Sequence[int], trained: int) -> bool:
    """Looks at length after length; False where the machine's memory ended before the model's did."""
    missed = 0
    for length in lengths:
        try:
            missed = 0 if holds(length) else missed + (length > trained)
        except InsufficientMemoryError:
            return missed > 0
        if missed == MISSED:
            break
    return True


def _powers_of_two(above: int, below: int) -> Iterator[int]:
    length = 1 << above.bit_length()
    while length < below:
        yield length
        length *= 2


def bisect(holds: Callable[[int], bool], best: int, worst: int) -> int:
    """The longest length known to hold, between one that does and one that does not."""
    while worst - best > max(1, best // FINENESS):
        middle = (best + worst) // 2
        best, worst = (middle, worst) if holds(middle) else (best, middle)
    return best


def span(task: Task, length: int | None, *, at_least: bool) -> Span:
    """The span of this length, with its lag."""
    lag = None if length is None else at_length(task, length).lag(length)
    return Span(length, lag, at_least)
