"""A question, once it is known to make sense: what a sweep is begun with."""

from collections.abc import Iterable, Iterator, Sequence

from memoryspan import user_code
from memoryspan.errors import TaskError
from memoryspan.models import make_model, with_defaults
from memoryspan.runs.describe import asked_task
from memoryspan.spans.held import require_max_length
from memoryspan.spec import Spec
from memoryspan.sweeps.manifest import Question
from memoryspan.tasks import Task, make_task
from memoryspan.training import Budget, TrainConfig
from memoryspan.training.trainable import trainable
from memoryspan.training.update import UPDATES
from memoryspan.validate import whole_number


def question(
    tasks: Sequence[Spec],
    models: Sequence[Spec],
    *,
    seeds: Iterable[int],
    budget: Budget,
    max_length: int,
    batch_size: int = 32,
) -> Question:
    """Every model on every task, with each of the seeds.

    Raises:
        TaskError: there is no such task or model, a setting makes no sense, the longest length is below a task's
            shortest, or the budget is too small for a single chunk of updates.
        ModelError: a model does not fit a task.
        StrangerError: a file does not run, or has not what it should.
    """
    seeds = tuple(seeds)
    whole_number("seeds", len(seeds), at_least=1, instead="5, for example")
    TrainConfig(batch_size=batch_size, budget=budget)  # refuses what makes no sense
    for named in tasks:
        if "length" in named.settings:
            raise TaskError(f"A span is asked for at all lengths: leave length out of {named}, and give --max-length.")
    made = [(named, _at(max_length, named)) for named in tasks]
    for _, task in made:
        require_max_length(max_length, task)
        _require_a_chunk(budget, batch_size, task)
    for task, model in _to_be_tried(made, models):
        trainable([make_model(model, task, seeds[0])], task, batch_size)
    return Question(
        tasks=tuple(_without_length(task) for _, task in made),
        models=tuple(with_defaults(model) for model in models),
        seeds=seeds,
        budget=budget,
        batch_size=batch_size,
        max_length=max_length,
    )


def _at(max_length: int, named: Spec) -> Task:
    try:
        return make_task(named.with_settings(length=max_length))
    except TaskError as error:
        raise TaskError(f"At --max-length {max_length}: {error}") from error


def _without_length(task: Task) -> Spec:
    named = asked_task(task)
    settings = {name: value for name, value in named.settings.items() if name != "length"}
    return Spec(named.name, settings, named.sha256)


def _to_be_tried(tasks: Sequence[tuple[Spec, Task]], models: Sequence[Spec]) -> Iterator[tuple[Task, Spec]]:
    """Each model once, and on every task where the one or the other is a stranger's: ours are known to fit ours."""
    for number, (named, task) in enumerate(tasks):
        for model in models:
            if number == 0 or user_code.is_import_path(named.name) or user_code.is_import_path(model.name):
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
