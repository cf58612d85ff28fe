"""The settings of a span sweep, checked before a sweep starts with them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice

import msgspec

from memoryspan import user_code
from memoryspan.backend import keras
from memoryspan.engine import Forward, forward
from memoryspan.errors import TaskError
from memoryspan.inference.evaluate import max_rows
from memoryspan.models import make_model, with_defaults
from memoryspan.spans.held import require_max_length
from memoryspan.spans.trial import SpanSweepConfig
from memoryspan.spec import Spec
from memoryspan.tasks import Task, make_task, task_config
from memoryspan.tasks.base import at_length
from memoryspan.training import Budget, TrainConfig
from memoryspan.training.trainable import trainable
from memoryspan.training.update import UPDATES
from memoryspan.validate import MOST, whole_number


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
    seeds = tuple(islice(seeds, MOST["seeds"] + 1))
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


def same_at_both_maxima(task: Spec, model: Spec, before: int, now: int, longest: int) -> bool:
    """Return whether a trial that came to length `longest` and no further is the same with both maximum lengths.

    The task and the model have to be the same, except for their maximum. (A model such as `tcn` is as deep as the
    maximum requires.) So do the arrays, which are no wider than the maximum: their width decides how many examples fit,
    and with that which examples are drawn; and how Keras sums.
    """
    return longest < before and _same_at_both(msgspec.json.encode((task, model)), before, now, longest)


@cache  # once for all trials that came to the same length
def _same_at_both(specs: bytes, before: int, now: int, longest: int) -> bool:
    task, model = msgspec.json.decode(specs, type=tuple[Spec, Spec])
    tasks = [_at(length, task) for length in (before, now)]
    settings = [(each.n_features, each.n_outputs, each.chance, each.min_length) for each in tasks]
    if settings[0] != settings[1]:
        return False
    models = [make_model(model, each, seed=0) for each in tasks]
    return _same_model(*models) and _same_arrays(forward(models[0]), tasks, longest)


def _same_arrays(fwd: Forward, tasks: Sequence[Task], longest: int) -> bool:
    widths = [fwd.width(longest, task.length) for task in tasks]
    rows = [max_rows(fwd, at_length(task, width)) for task, width in zip(tasks, widths, strict=True)]
    return rows[0] == rows[1] and (fwd.engine == "unroll" or widths[0] == widths[1])


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
