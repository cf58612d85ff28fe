"""The held span: how far back a trained model remembers, without more training.

The longest length that it masters: on 1,000 fresh examples of exactly that length, the lower end of the 95 % Wilson
interval of its accuracy is at least 95 %. It is found by doubling, then bisecting. Elsewhere this is called length
generalisation.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from memoryspan.accuracy import Accuracy, accuracy_table
from memoryspan.backend import keras
from memoryspan.engine import forward, variables_of
from memoryspan.engine.forward import NEAR
from memoryspan.engine.shapes import input_shape
from memoryspan.errors import InsufficientMemoryError
from memoryspan.inference.evaluate import check_compatible, make_accuracy_fn
from memoryspan.sampling import Stream, stream
from memoryspan.spans.trial import Span
from memoryspan.stats import wilson
from memoryspan.tasks import Task, require_task
from memoryspan.tasks.base import at_length
from memoryspan.training.config import EXAMPLES
from memoryspan.validate import checked, function, seed_number, whole_number

THRESHOLD = 0.95
"""The minimum of the lower end of the 95 % interval."""

REQUIRED_CORRECT = next(n for n in range(EXAMPLES + 1) if wilson(n, EXAMPLES)[0] >= THRESHOLD)
"""The least number of correct predictions, out of `EXAMPLES`, with such an interval."""

BISECT_TOLERANCE = 32
"""Bisecting ends within 1/32 of the length: smaller differences are within the noise of the examples drawn."""

MAX_MISSES = 2
"""The search ends after this many failures in a row beyond the length that the model was trained on."""

Measure = Callable[[int, int], Accuracy]
"""measure(length, required_correct): the accuracy at a length. Counting ends once `required_correct` right answers are
out of reach."""


@dataclass(frozen=True)
class Held:
    """The held span of a trained model, and its accuracy by length, shortest first."""

    span: Span
    curve: tuple[Accuracy, ...]

    def _repr_html_(self) -> str:
        return accuracy_table(self.curve, f"held span: {self.span}")


@checked
def held_span(
    model: keras.Model,
    task: Task,
    *,
    max_length: int = 16_384,
    seed: int = 0,
    on_accuracy: Callable[[Accuracy], None] = lambda accuracy: None,
) -> Held:
    """Return the held span of any Keras model on a task, from the task's minimum length to `max_length`.

    `task.length` is the length that the model was trained on. It is always measured, and failures up to it do not end
    the search. A model of a fixed length is measured up to that length. `on_accuracy` is called with the accuracy at
    each length.

    Raises:
        ModelError: the model does not fit the task.
        TaskError: `max_length` is below the task's minimum length, or `seed` is invalid.
    """
    function("on_accuracy", on_accuracy)
    seed_number(seed)
    require_task(task)
    require_max_length(max_length, task)
    max_length = min(max_length, input_shape(model)[1] or max_length)
    fwd, variables = forward(model), variables_of(model)
    max_length = next(filter(fwd.takes, range(max_length, max(max_length - NEAR, task.min_length - 1), -1)), max_length)
    trained, task = min(task.length, max_length), at_length(task, max_length)
    check_compatible(model, task)
    accuracy_fn = make_accuracy_fn(fwd, task)

    def measure(length: int, required_correct: int) -> Accuracy:
        accuracy = accuracy_fn(variables, stream(seed, Stream.EVALUATION), EXAMPLES, length, required_correct)
        on_accuracy(accuracy)
        return accuracy

    return search_span(measure, task, max_length, trained, lambda length: fwd.length_from(length, max_length))


def require_max_length(max_length: int, task: Task) -> None:
    """Raise `TaskError` where the maximum length is below the task's minimum."""
    minimum = f", the minimum length of {task.name}"
    whole_number("max_length", max_length, at_least=task.min_length, given=minimum, instead="4096")


def search_span(
    measure: Measure, task: Task, max_length: int, trained: int, accepted: Callable[[int], int] = lambda length: length
) -> Held:
    """Double the length until the model fails beyond the trained one, then bisect between the last two lengths.

    `accepted(length)` is the next length, this one or a longer one, that the model accepts.
    """
    found: dict[int, Accuracy] = {}

    def passes(length: int, required_correct: int = 0) -> bool:
        length = accepted(length)
        if length not in found:
            found[length] = measure(length, required_correct)
        return found[length].n_correct >= REQUIRED_CORRECT

    doubled = (task.min_length, *_powers_of_two(task.min_length, max_length), trained, max_length)
    complete = _double(passes, sorted(set(map(accepted, doubled))), trained)
    best = max((length for length in found if passes(length)), default=None)
    if best is not None and best != max_length:
        worst = min((length for length in found if length > best), default=best + 1)
        best = accepted(bisect(lambda length: passes(length, REQUIRED_CORRECT), best, worst))
    curve = tuple(found[length] for length in sorted(found))
    return Held(span(task, best, at_least=best is not None and (best == max_length or not complete)), curve)


def _double(passes: Callable[[int], bool], lengths: Sequence[int], trained: int) -> bool:
    """Test one length after the other; return False where memory ran out before the model failed."""
    misses = 0
    for length in lengths:
        try:
            misses = 0 if passes(length) else misses + (length > trained)
        except InsufficientMemoryError:
            return misses > 0
        if misses == MAX_MISSES:
            break
    return True


def _powers_of_two(above: int, below: int) -> Iterator[int]:
    length = 1 << above.bit_length()
    while length < below:
        yield length
        length *= 2


def bisect(passes: Callable[[int], bool], best: int, worst: int) -> int:
    """Return the longest length known to pass, between one that passes and one that fails."""
    while worst - best > max(1, best // BISECT_TOLERANCE):
        middle = (best + worst) // 2
        best, worst = (middle, worst) if passes(middle) else (best, middle)
    return best


def span(task: Task, length: int | None, *, at_least: bool) -> Span:
    """Return the span of this length, with its lag."""
    lag = None if length is None else at_length(task, length).lag(length)
    return Span(length, lag, at_least)
