"""The settings of a span sweep, checked before a sweep starts with them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import msgspec

from memoryspan import user_code
from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.models import make_model, with_defaults
from memoryspan.runs.describe import task_config
from memoryspan.spans.held import require_max_length
from memoryspan.spans.trial import SpanSweepConfig
from memoryspan.spec import Spec
from memoryspan.tasks import Task, make_task
from memoryspan.training import Budget, TrainConfig
from memoryspan.training.trainable import trainable
from memoryspan.training.update import UPDATES
from memoryspan.validate import whole_number


def plan(
    tasks: Sequence[Spec],
    models: Sequence[Spec],
    *,
    seeds: Iterable[int],
    budget: Budget,
    max_length: int,
    batch_size: int = 32,
) -> SpanSweepConfig:
    """Return the settings of a sweep over every model on every task, with each of the seeds.

    Raises:
        TaskError: a task or model is unknown, a setting is invalid, the maximum length is below a task's minimum, or
            the budget is too small for one chunk of updates.
        ModelError: a model does not fit a task.
        UserCodeError: a file does not run, or lacks what it should have.
    """
    seeds = tuple(seeds)
    whole_number("seeds", len(seeds), at_least=1, instead="5, for example")
    TrainConfig(batch_size=batch_size, budget=budget)  # refuses invalid settings
    for spec in tasks:
        if "length" in spec.settings:
            raise TaskError(f"A span covers all lengths: leave length out of {spec}, and give --max-length.")
    made = [(spec, _at(max_length, spec)) for spec in tasks]
    for _, task in made:
        require_max_length(max_length, task)
        _require_a_chunk(budget, batch_size, task)
    for task, model in _pairs_to_try(made, models):
        trainable([make_model(model, task, seeds[0])], task, batch_size)
    return SpanSweepConfig(
        tasks=tuple(_without_length(task) for _, task in made),
        models=tuple(with_defaults(model) for model in models),
        seeds=seeds,
        budget=budget,
        batch_size=batch_size,
        max_length=max_length,
    )


def same_at_both_lengths(task: Spec, model: Spec, before: int, now: int) -> bool:
    """Return whether a task and a model for it are the same at both maximum lengths, except for that length.

    The model is built for both. A model such as `tcn` is as deep as the maximum length requires.
    """
    return _same_at_both(msgspec.json.encode((task, model)), before, now)


@cache  # a model a sweep, and not a trial
def _same_at_both(specs: bytes, before: int, now: int) -> bool:
    task, model = msgspec.json.decode(specs, type=tuple[Spec, Spec])
    tasks = [_at(length, task) for length in (before, now)]
    settings = [(each.n_features, each.n_outputs, each.chance, each.min_length) for each in tasks]
    return settings[0] == settings[1] and _same_model(*(make_model(model, each, seed=0) for each in tasks))


def _same_model(one: keras.Model, other: keras.Model) -> bool:
    weights = zip(one.get_weights(), other.get_weights(), strict=False)
    return (
        _architecture(one) == _architecture(other)
        and len(one.weights) == len(other.weights)
        and all(a.shape == b.shape and (a == b).all() for a, b in weights)
    )


def _architecture(model: keras.Model) -> str:
    """Return a model as JSON. Keras numbers names through: here each number is replaced by its order of appearance."""
    text = model.to_json()
    names = set(re.findall(r'"name": "([^"]*)"', text)) | set(re.findall(r'"(keras_tensor[_\d]*)"', text))
    order: dict[str, int] = {}

    def renumbered(match: re.Match) -> str:
        name = match[1]
        if name not in names:
            return match[0]
        return f'"{re.sub(r"_[0-9]+$", "", name)} {order.setdefault(name, len(order))}"'

    return re.sub(r'"([^"]*)"', renumbered, text)


def _at(max_length: int, spec: Spec) -> Task:
    try:
        return make_task(spec.with_settings(length=max_length))
    except TaskError as error:
        raise TaskError(f"At --max-length {max_length}: {error}") from error


def _without_length(task: Task) -> Spec:
    spec = task_config(task)
    settings = {name: value for name, value in spec.settings.items() if name != "length"}
    return Spec(spec.name, settings, spec.sha256)


def _pairs_to_try(tasks: Sequence[tuple[Spec, Task]], models: Sequence[Spec]) -> Iterator[tuple[Task, Spec]]:
    """Yield each model once, and on every task where either is user code: the package's own fit each other."""
    for number, (spec, task) in enumerate(tasks):
        for model in models:
            if number == 0 or user_code.is_import_path(spec.name) or user_code.is_import_path(model.name):
                yield task, model


def _require_a_chunk(budget: Budget, batch_size: int, task: Task) -> None:
    examples = UPDATES * batch_size
    tokens = examples * task.min_length
    for name, limit, least in (("examples", budget.examples, examples), ("tokens", budget.tokens, tokens)):
        if limit is not None and limit < least:
            raise TaskError(
                f"A budget of {limit:,} {name} is less than one chunk of {UPDATES} updates of {batch_size} examples of "
                f"{task.name}: give it at least {least:,} {name}."
            )
