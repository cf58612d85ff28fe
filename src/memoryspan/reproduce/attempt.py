"""Run trials of experiments: train their models, and count the sequences until the criterion is met."""

from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from memoryspan.accuracy import Accuracy, accuracy_record
from memoryspan.backend import keras
from memoryspan.engine import Forward, Variables, forward
from memoryspan.inference.evaluate import compile_rows, correct
from memoryspan.models import make_model
from memoryspan.reproduce.criterion import is_met, mistakes, root_mean_square
from memoryspan.reproduce.trial import TESTED, Criterion, ReproduceResult, ReproduceTrial
from memoryspan.sampling import integers
from memoryspan.sweeps.cost import training_cost
from memoryspan.sweeps.group import Group
from memoryspan.sweeps.training import encode, resumed
from memoryspan.tasks import Batch, Task, make_task
from memoryspan.training import Curriculum, Status, TrainConfig, TrainSnapshot, UniformLengths
from memoryspan.training.loop import train_loop
from memoryspan.training.snapshot import evaluation_key
from memoryspan.training.stopping import SolvedTest, confirm_on_two_samples

Errors = tuple[Float[np.ndarray, "sequences"], Bool[np.ndarray, "sequences"]]
"""For each sequence the largest error, and whether the task judges it wrong."""

Meter = Callable[..., Errors]


def attempt(trials: Sequence[ReproduceTrial], group: Group | None = None) -> list[ReproduceResult]:
    """Return the results of trials that differ in their seed alone; they train together, in one compiled program.

    The criterion is tested on fresh sequences, which are not trained on, after each chunk of updates with an accuracy
    near it. They report to their group, and resume from where it was interrupted.

    Raises what making the task and the model and training raise.
    """
    group = group or Group()
    first = trials[0]
    task = make_task(first.task)
    group.report("building and compiling")
    models = [make_model(trial.model, task, trial.seed) for trial in trials]
    with_curriculum = Curriculum(grow_above=first.grow_above, consolidate_factor=1)
    curriculum = with_curriculum if first.curriculum else UniformLengths(first.min_length)
    promising = min(TrainConfig().threshold, first.criterion.required_accuracy)
    configs = [TrainConfig(trial.seed, trial.batch_size, trial.budget, curriculum, promising) for trial in trials]
    meter = error_meter(forward(models[0]), task, first.min_length)
    start, _ = resumed(group, models, task, configs[0], type(None)) or (None, None)
    now = start or ()
    for now in train_loop(models, task, configs, _solved_test(first.criterion, task, meter), start):
        group.report(_describe(now))
        group.keep(partial(encode, now))
    return [_result(*each, task, meter) for each in zip(trials, models, now, strict=True)]


def _solved_test(criterion: Criterion, task: Task, meter: Meter) -> SolvedTest:
    def evaluate(snapshot: TrainSnapshot, config: TrainConfig, key: Array) -> Accuracy | None:
        errors = meter(snapshot.state.variables, key, criterion.n_consecutive, criterion)
        return _accuracy(criterion, errors, task) if is_met(criterion, *errors) else None

    return confirm_on_two_samples(evaluate)


def _accuracy(criterion: Criterion, errors: Errors, task: Task) -> Accuracy:
    is_correct = ~mistakes(criterion, *errors)
    return Accuracy(int(is_correct.sum()), len(is_correct), task.length, task.chance)


def error_meter(fwd: Forward, task: Task, min_length: int) -> Meter:
    """Return a function that measures errors on fresh sequences, of lengths from `min_length` to `task.length`.

    For a model that reads its padding all have the full length.

    Returns:
        measure(variables, key, sequences, criterion=None), which returns their errors, and stops early where a
        criterion is out of reach. It raises `InsufficientMemoryError` where one sequence does not fit into memory.
    """
    program: tuple[int, Callable] | None = None

    def measure(variables: Variables, key: Array, sequences: int, criterion: Criterion | None = None) -> Errors:
        nonlocal program
        if program is None:
            program = compile_rows(
                partial(_errors, min_length if fwd.ragged else task.length), fwd, task, variables, key
            )
        _, errors_of = program
        errors, wrong = np.zeros(0, np.float32), np.zeros(0, bool)
        while len(errors) < sequences:
            more = errors_of(variables, jax.random.fold_in(key, len(errors)), jnp.int32(task.length))
            errors, wrong = np.append(errors, more[0]), np.append(wrong, more[1])
            if criterion and mistakes(criterion, errors, wrong).sum() > criterion.max_mistakes:
                break
        return errors[:sequences], wrong[:sequences]

    return measure


def largest_errors(task: Task, predictions: Float[Array, "batch ..."], batch: Batch) -> Float[Array, "batch"]:
    """Return the largest absolute error of each example, over its outputs and the steps in its target mask.

    A class counts as 1 for the right output and 0 for the others.
    """
    if jnp.issubdtype(batch.targets.dtype, jnp.integer):
        expected = jax.nn.one_hot(batch.targets, predictions.shape[-1])
    else:
        is_vector = batch.targets.ndim == predictions.ndim
        expected = batch.targets if is_vector else batch.targets[..., None]
    errors = jnp.where(batch.target_mask, abs(predictions - expected).max(-1), 0)
    return errors.reshape(errors.shape[0], -1).max(axis=1)


def _errors(
    min_length: int, fwd: Forward, task: Task, rows: int, variables: Variables, key: Array, length: Int[Array, ""]
) -> tuple[Float[Array, "rows"], Bool[Array, "rows"]]:
    for_lengths, for_batch = jax.random.split(key)
    batch = task.sample(for_batch, rows, integers(for_lengths, (rows,), min_length, length + 1))
    predictions = fwd.apply(variables, batch.inputs, batch.lengths).predictions
    return largest_errors(task, predictions, batch), ~correct(task, predictions, batch)


def _result(
    trial: ReproduceTrial, model: keras.Model, snapshot: TrainSnapshot, task: Task, meter: Meter
) -> ReproduceResult:
    errors = meter(snapshot.state.variables, evaluation_key(trial.seed, snapshot.row), TESTED)
    spread = root_mean_square(errors[0])
    return ReproduceResult(
        sequences=snapshot.row.examples if snapshot.status is Status.SOLVED else None,
        accuracy=accuracy_record(_accuracy(trial.criterion, errors, task)),
        rms_error=spread if isfinite(spread) else None,
        **training_cost(model, snapshot),
    )


def _describe(now: Sequence[TrainSnapshot]) -> str:
    rows = [snapshot.row for snapshot in now]
    worst = min(rows, key=lambda row: (row.length, row.accuracy))
    return (
        f"length {worst.length:,}, accuracy {100 * worst.accuracy:.0f} %; {max(row.examples for row in rows):,} "
        f"sequences, {max(row.seconds for row in rows):.0f} s"
    )
