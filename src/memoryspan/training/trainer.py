"""How a model learns: chunks of updates in one compiled loop, and a look at them in between.

Only between chunks does Python look: at the history, the budget, the accuracy, Ctrl-C. Where chunks begin and end
depends on the state alone, so a training that goes on from a saved position ends in the same bits as one that never
stopped.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any

import jax
from jaxtyping import Array

from memoryspan.backend import keras
from memoryspan.engine import Forward, forward, path_of
from memoryspan.errors import NoRoomError, TaskError
from memoryspan.evaluation import Accuracy, evaluator, wilson
from memoryspan.named import call
from memoryspan.sampling import Stream, stream
from memoryspan.tasks import Task
from memoryspan.training.budget import Budget
from memoryspan.training.callbacks import Hooks
from memoryspan.training.curriculum import Curriculum
from memoryspan.training.interrupt import ctrl_c_at_once, first_ctrl_c
from memoryspan.training.notebook import live_view
from memoryspan.training.result import Result, Row, Status
from memoryspan.training.trainable import trainable
from memoryspan.training.update import Program, State, Totals, compile_chunk, initial_state, restore
from memoryspan.validate import seed_number, whole_number

UPDATES = 10
"""Updates of a chunk while sequences are short, and from one look at fresh examples to the next …"""

STEPS = 16_384
"""… and the time steps that a chunk walks at most once they are long, so that Python gets to look at the clock."""

SKIPPED_IN_A_ROW = 100
"""Updates with a gradient that is not finite, one after the other, after which there is no hope."""

EXAMPLES = 1000
"""Fresh examples that decide whether a length is solved."""


@dataclass(frozen=True)
class Settings:
    """How to train. The defaults solve `Echo()` on every seed tried.

    `threshold` is the accuracy that counts as solved: the lower end of the 95 % interval has to reach it. At its
    default that takes 1000 right answers of 1000.
    """

    seed: int = 0
    batch_size: int = 32
    budget: Budget = Budget()
    curriculum: Curriculum = Curriculum()
    threshold: float = 0.995

    def __post_init__(self):
        seed_number(self.seed)
        whole_number("batch_size", self.batch_size, at_least=1, instead="32, for example")
        if not isinstance(self.budget, Budget) or not isinstance(self.curriculum, Curriculum):
            raise TaskError(
                f"budget and curriculum should be a Budget and a Curriculum, like Budget(examples=10_000), got "
                f"{self.budget!r} and {self.curriculum!r}."
            )
        provable = wilson(EXAMPLES, EXAMPLES)[0]
        if not 0 < self.threshold <= provable:
            raise TaskError(
                f"threshold must be above 0 and at most {provable:.4f}, the lower end of the interval of {EXAMPLES} "
                f"right answers out of {EXAMPLES}, and it is {self.threshold!r}."
            )

    @property
    def enough(self) -> int:
        """The least number of right answers, out of `EXAMPLES`, that proves the threshold."""
        return next(n for n in range(EXAMPLES + 1) if wilson(n, EXAMPLES)[0] >= self.threshold)


@dataclass(frozen=True)
class Position:
    """Where a training stands after a chunk: it can go on from here."""

    state: State
    row: Row
    status: Status | None = None
    """How it ended; None while it goes on."""
    accuracy: Accuracy | None = None
    """At the full length, once it has ended; None where that does not fit into memory."""


Proof = Callable[[Position, Settings], Accuracy | None]
"""The accuracy at the full length by which the task is solved; None where it is not."""


def both_draws(look: Callable[[Position, Settings, Array], Accuracy | None]) -> Proof:
    """Solved where two looks in a row, at fresh examples each, find what they look for (one that does not is None).

    With one look after every chunk, many chances to be lucky would add up; the accuracy is that of the second, which
    was not chosen by what it shows.
    """

    def proof(position: Position, settings: Settings) -> Accuracy | None:
        keys = (evaluation_key(settings.seed, position.row, draw) for draw in (1, 2))
        solved = all((accuracy := look(position, settings, key)) is not None for key in keys)
        return accuracy if solved else None

    return proof


def twice(task: Task, measure: Callable[..., Accuracy]) -> Proof:
    """Solved where both draws reach the threshold of the settings.

    `measure` is the `evaluator` of the model, or of one of several alike.
    """

    def look(position: Position, settings: Settings, key: Array) -> Accuracy | None:
        accuracy = measure(position.state.variables, key, EXAMPLES, task.length, settings.enough)
        return accuracy if accuracy.right >= settings.enough else None

    return both_draws(look)


def train(
    model: keras.Model,
    task: Task,
    *,
    on_position: Callable[[Position], None] = lambda position: None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **settings,
) -> Result:
    """Trains a compiled Keras model on a task, from the weights that it has; afterwards they are in the model.

    The model's own optimizer and loss train it. Ctrl-C ends the training and keeps what was learned. In a notebook
    it shows how far it is.

    Args:
        model: any compiled Keras model whose input and output fit the task.
        task: what to learn, at its full length.
        on_position: called after every chunk of updates.
        callbacks: Keras callbacks, to which a chunk of updates is an epoch; the page "Callbacks and trackers" tells
            which.
        settings: the fields of `Settings`: seed, batch_size, budget, curriculum, threshold.

    Raises:
        ModelError: the model is not compiled, or does not fit the task.
        TaskError: there is no such setting, or it makes no sense, or a callback would not do here what it says.
    """
    position, history = None, []
    training = positions(model, task, _settings("train", settings), callbacks=callbacks)
    with live_view(task) as show, first_ctrl_c() as pressed, suppress(KeyboardInterrupt), closing(training):
        for position in training:
            history.append(position.row)
            show(position)
            on_position(position)
            if pressed():
                break
    if position is not None:
        restore(model, position.state)
    return _result(position, history, path_of(model, training=True))


def train_together(
    models: Sequence[keras.Model],
    task: Task,
    *,
    seeds: Sequence[int],
    on_positions: Callable[[tuple[Position, ...]], None] = lambda positions: None,
    **settings,
) -> list[Result]:
    """`train` for several seeds at once, in one compiled program: models that differ in nothing but their weights.

    Each ends as it would alone, up to rounding: products of several matrices at once may add in another order.

    Args:
        models: one for each seed, made by the same builder.
        task: as for `train`.
        seeds: one for each model.
        on_positions: called after every chunk of updates, with where each seed stands.
        settings: the other fields of `Settings`.

    Raises:
        ModelError: a model is not compiled, does not fit the task, or is not made like the others.
        TaskError: there is no such setting, or it makes no sense.
    """
    if len(models) != len(seeds):
        raise TaskError(f"Each seed needs a model of its own: there are {len(models)} models and {len(seeds)} seeds.")
    if "seed" in settings:
        raise TaskError("train_together has seeds, one for each model: leave seed.")
    each = [replace(_settings("train_together", settings), seed=seed) for seed in seeds]
    now, histories = None, [[] for _ in seeds]
    with first_ctrl_c() as pressed, suppress(KeyboardInterrupt):
        for now in chunks(models, task, each, twice(task, evaluator(forward(models[0]), task))):
            for history, position in zip(histories, now, strict=True):
                history.append(position.row)
            on_positions(now)
            if pressed():
                break
    if now is not None:
        for model, position in zip(models, now, strict=True):
            restore(model, position.state)
    path = path_of(models[0], training=True)
    ends = now or [None] * len(seeds)
    return [_result(position, history, path) for position, history in zip(ends, histories, strict=True)]


def _settings(name: str, given: dict[str, Any]) -> Settings:
    """Raises `TaskError` where there is no such setting, or it makes no sense."""
    if "epochs" in given:
        raise TaskError(
            f"{name} has no setting epochs, for every example is new: say with budget=Budget(examples=10_000) how "
            f"many it may see."
        )
    return call(Settings, name, given)


def _result(position: Position | None, history: list[Row], path: str) -> Result:
    rows = tuple(dict.fromkeys(history))
    if position is None or position.status is None:
        return Result(Status.INTERRUPTED, None, rows, path)
    return Result(position.status, position.accuracy, rows, path)


def positions(
    model: keras.Model,
    task: Task,
    settings: Settings,
    start: Position | None = None,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    epoch: int = 0,
) -> Generator[Position, None, None]:
    """The training, chunk by chunk, from `start` or from the model as it is; only the last position has a status.

    Without callbacks the model does not change on the way: `restore(model, position.state)` puts the weights in.
    `epoch` is the number by which the first chunk is called. Raises as `train` does.
    """
    measure = evaluator(forward(model), task)
    hooks = Hooks(model, callbacks, epoch)
    proof = twice(task, measure)
    try:
        for (judged,) in chunks([model], task, [settings], proof, [start] if start else None, hooks.before):
            position = hooks.after(judged)
            if position.status is Status.SOLVED and position is not judged:
                position = _judged_again(position, task, settings, proof)
            if position.status in (Status.BUDGET, Status.NOT_FINITE, Status.STOPPED):
                with ctrl_c_at_once():
                    position = replace(position, accuracy=_full_accuracy(task, settings, position, measure))
            yield position
            if position.status is not None:
                return
    except (GeneratorExit, KeyboardInterrupt):  # Ctrl-C is an end like others
        hooks.end()
        raise


def _judged_again(position: Position, task: Task, settings: Settings, proof: Proof) -> Position:
    """A callback may have put other weights into a model that had solved its task."""
    again = _judge(replace(position, status=None, accuracy=None), task, settings, proof)
    return again if again.status is not None else replace(again, status=Status.STOPPED)


def chunks(
    models: Sequence[keras.Model],
    task: Task,
    settings: Sequence[Settings],
    proof: Proof,
    start: Sequence[Position] | None = None,
    before: Callable[[Position], Position] = lambda position: position,
) -> Iterator[tuple[Position, ...]]:
    """The training of several seeds, chunk by chunk, to the end of each; one that has ended stays where it is.

    Their settings differ in the seed alone. `proof` says what it takes to have solved the task; it is asked where the
    last batches, at the full length, seem to. `before` gives the position from which a chunk begins, where that is to
    be another than the one before it. Raises as `train_together` does.
    """
    first, shared = models[0], settings[0]
    fwd, keys = trainable(models, task, shared.batch_size), [stream(each.seed, Stream.TRAINING) for each in settings]
    now = list(start or [first_position(model, fwd, task, shared) for model in models])
    programs: dict[tuple[int, int], Program] = {}
    crowded: set[int] = set()  # widths at which all together do not fit into memory
    while any(position.status is None for position in now):
        now = [before(position) for position in now]
        lanes = _lanes(now, fwd)
        limits = [fwd.width(now[lane].row.length, task.length) if moves else task.shortest for lane, moves in lanes]
        width = max(limits)
        if width in crowded:
            lanes, limits = [next(each for each in lanes if each[1])], [width]
        if (width, len(lanes)) not in programs:
            parts = [(now[lane].state, keys[lane]) for lane, _ in lanes]
            try:
                programs[width, len(lanes)] = compile_chunk(
                    first, fwd, task, width, shared.curriculum, shared.batch_size, *zip(*parts, strict=True)
                )
            except NoRoomError:
                if len(lanes) > 1:
                    crowded.add(width)
                    continue
                ((lane, _),) = lanes
                if not now[lane].row.updates:
                    raise
                now[lane] = replace(now[lane], status=Status.MEMORY)
                yield tuple(now)
                continue
        here = [(now[lane], keys[lane], moves) for lane, moves in lanes]
        further = _advance(here, programs[width, len(lanes)], limits, shared.batch_size)
        for (lane, moves), position in zip(lanes, further, strict=True):
            now[lane] = _judge(position, task, settings[lane], proof) if moves else position
        yield tuple(now)


def _lanes(now: Sequence[Position], fwd: Forward) -> list[tuple[int, bool]]:
    """Which seeds go into the next chunk, and whether each moves in it: those whose sequences are about the shortest.

    All of a program walk as far as the longest of them; so a seed that is far ahead waits until the others have come
    near. Where one alone moves, it has a program to itself; else those that do not move go along and stand still.
    """
    shortest = min(position.row.length for position in now if position.status is None)
    most = 2 * shortest if fwd.ragged else shortest
    moving = [position.status is None and position.row.length <= most for position in now]
    alone = moving.count(True) == 1
    return [(lane, moves) for lane, moves in enumerate(moving) if moves or not alone]


def first_position(model: keras.Model, fwd: Forward, task: Task, settings: Settings) -> Position:
    """Before the first update."""
    state = initial_state(model, settings.curriculum, task)
    if not fwd.takes_short_rows:
        state = state._replace(progress=settings.curriculum.start(task.length, task.length))
    return Position(state, Row.first(int(state.progress.length)))


def _advance(
    lanes: Sequence[tuple[Position, Array, bool]], program: Program, limits: Sequence[int], batch_size: int
) -> list[Position]:
    """One chunk further, each seed (its position, its key) that moves."""
    positions, keys, moving = zip(*lanes, strict=True)
    asked = [_updates(position.row.length) if moves else 0 for position, moves in zip(positions, moving, strict=True)]
    began = time.perf_counter()
    outcomes = program([position.state for position in positions], keys, asked, limits)
    figures = jax.device_get([(totals, state.progress.length, state.skipped) for state, totals in outcomes])
    seconds = (time.perf_counter() - began) / sum(moving)  # each has its share of the time, as of a budget of seconds
    return [
        _further(position.row, state, totals, length, skipped, seconds, batch_size) if moves else position
        for position, moves, (state, _), (totals, length, skipped) in zip(
            positions, moving, outcomes, figures, strict=True
        )
    ]


def _updates(length: int) -> int:
    """Of a chunk at this length."""
    return max(1, min(UPDATES, STEPS // length))


def _further(row: Row, state: State, totals: Totals, length, skipped, seconds: float, batch_size: int) -> Position:
    updates = int(totals.updates)
    return Position(
        state,
        Row(
            updates=row.updates + updates,
            examples=row.examples + updates * batch_size,
            tokens=row.tokens + int(totals.tokens),
            skipped=int(skipped),
            seconds=row.seconds + seconds,
            length=int(length),
            accuracy=float(totals.accuracy) / updates,
            loss=float(totals.loss) / updates,
        ),
    )


def _judge(position: Position, task: Task, settings: Settings, proof: Proof) -> Position:
    """The position with its status, where the training is over; with its accuracy, where that is what ends it."""
    row, state = position.row, position.state
    if position.status is not None:
        return position
    spent = settings.budget.spent(row.examples, row.tokens, row.seconds)
    if row.length == task.length and (spent or _look_is_due(state, task)) and _seems_solved(state, settings, task):
        with ctrl_c_at_once():
            accuracy = proof(position, settings)
        if accuracy is not None:
            return Position(state, row, Status.SOLVED, accuracy)
    if int(state.skipped_in_a_row) >= SKIPPED_IN_A_ROW:
        return Position(state, row, Status.NOT_FINITE)
    if spent:
        return Position(state, row, Status.BUDGET)
    return position


def _look_is_due(state: State, task: Task) -> bool:
    """Whether the chunk had a tenth update at the full length: far out a look costs as much as fifteen of them."""
    return int(state.progress.updates) % UPDATES < _updates(task.length)


def _seems_solved(state: State, settings: Settings, task: Task) -> bool:
    """Whether the last batches promise that a look at fresh examples is worth it."""
    enough = settings.curriculum.has_seen_enough(state.progress, task.length)
    return float(state.progress.accuracy) >= settings.threshold and bool(enough)


def _full_accuracy(
    task: Task, settings: Settings, position: Position, measure: Callable[..., Accuracy]
) -> Accuracy | None:
    """At the full length, or None where that does not fit into memory."""
    key = evaluation_key(settings.seed, position.row)
    try:
        return measure(position.state.variables, key, EXAMPLES, task.length)
    except NoRoomError:
        return None


def evaluation_key(seed: int, row: Row, draw: int = 0) -> Array:
    """Of a look at fresh examples after a row of the history; each draw has others."""
    return jax.random.fold_in(jax.random.fold_in(stream(seed, Stream.EVALUATION), row.updates), draw)
