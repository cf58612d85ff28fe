"""Measure spans: train the models of trials, and find how far back each one remembers."""

from collections.abc import Callable, Sequence
from functools import partial

from memoryspan.accuracy import Accuracy, accuracy_record
from memoryspan.backend import keras
from memoryspan.engine import forward
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.models import make_model
from memoryspan.spans.held import THRESHOLD, Measure, require_max_length, search_span
from memoryspan.spans.learned import SpanTracker, learned_span
from memoryspan.spans.trial import SpanResult, SpanTrial
from memoryspan.sweeps.cost import training_cost
from memoryspan.sweeps.group import Group
from memoryspan.sweeps.training import encode, resumed
from memoryspan.tasks import Task, make_task
from memoryspan.training import Curriculum, TrainConfig, TrainSnapshot
from memoryspan.training.config import EXAMPLES
from memoryspan.training.loop import train_loop
from memoryspan.training.snapshot import evaluation_key
from memoryspan.training.stopping import reaches_threshold

CURRICULUM = Curriculum(consolidate_factor=1)
"""Without consolidation, which depends on the maximum length: a larger maximum must not change what comes before it."""


def measure(trials: Sequence[SpanTrial], group: Group | None = None) -> list[SpanResult]:
    """Return the results of trials that differ in their seed alone; they train together, in one compiled program.

    They report to their group, and resume from where it was interrupted.

    Raises what making the task and the model and training raise, and `TaskError` where the maximum length is below the
    task's minimum.
    """
    group = group or Group()
    first = trials[0]
    task = task_at_max_length(first)
    group.report("building and compiling")
    models = [make_model(trial.model, task, trial.seed) for trial in trials]
    configs = [TrainConfig(trial.seed, trial.batch_size, trial.budget, CURRICULUM, THRESHOLD) for trial in trials]
    accuracy_fn = make_accuracy_fn(forward(models[0]), task)
    fresh = None, [SpanTracker(task.min_length) for _ in trials]
    start, trackers = resumed(group, models, task, configs[0], list[SpanTracker]) or fresh
    now = start or ()
    for now in train_loop(models, task, configs, reaches_threshold(task, accuracy_fn), start):
        pairs = zip(trials, now, strict=True)
        measures = [[_measure_at(accuracy_fn, trial.seed, each, draw) for draw in (1, 2)] for trial, each in pairs]
        states = zip(trackers, now, measures, strict=True)
        trackers = [tracker.update(each, measured_by, first.budget) for tracker, each, measured_by in states]
        group.report(_describe(now))
        group.keep(partial(encode, now, trackers))
    ends = zip(trials, models, trackers, now, strict=True)
    return [_result(*each, task, accuracy_fn, group) for each in ends]


def task_at_max_length(trial: SpanTrial) -> Task:
    """Return the trial's task at the maximum length."""
    task = make_task(trial.task.with_settings(length=trial.max_length))
    require_max_length(trial.max_length, task)
    return task


def _measure_at(accuracy_fn: Callable[..., Accuracy], seed: int, snapshot: TrainSnapshot, draw: int = 0) -> Measure:
    """Return a measure of the model as it is in a snapshot; each draw has other examples."""

    def measure(length: int, required_correct: int) -> Accuracy:
        key = evaluation_key(seed, snapshot.row, draw)
        return accuracy_fn(snapshot.state.variables, key, EXAMPLES, length, required_correct)

    return measure


def _result(
    trial: SpanTrial,
    model: keras.Model,
    tracker: SpanTracker,
    snapshot: TrainSnapshot,
    task: Task,
    accuracy_fn: Callable[..., Accuracy],
    group: Group,
) -> SpanResult:
    assert snapshot.status is not None
    group.report(f"measuring the held span of seed {trial.seed}")
    held = search_span(_measure_at(accuracy_fn, trial.seed, snapshot), task, trial.max_length, tracker.length)
    return SpanResult(
        learned=learned_span(tracker, snapshot.status, task, held.span),
        held=held.span,
        reached=tracker.longest,
        curve=tuple(map(accuracy_record, held.curve)),
        **training_cost(model, snapshot),
    )


def _describe(now: Sequence[TrainSnapshot]) -> str:
    rows = [snapshot.row for snapshot in now]
    low, high = (f"{bound(row.length for row in rows):,}" for bound in (min, max))
    length = low if low == high else f"{low} to {high}"
    return f"length {length}; {max(row.examples for row in rows):,} examples, {max(row.seconds for row in rows):.0f} s"
