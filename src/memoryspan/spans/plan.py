"""A question, once it is known to make sense: what a sweep is begun with."""

from collections.abc import Iterable, Iterator, Sequence

from memoryspan import user_code
from memoryspan.errors import TaskError
from memoryspan.models import in_full, make_model
from memoryspan.runs.describe import asked_task
from memoryspan.spans.held import require_longest
from memoryspan.spec import Named
from memoryspan.sweeps.manifest import Question
from memoryspan.tasks import Task, make_task
from memoryspan.training import Budget, Settings
from memoryspan.training.loop import UPDATES
from memoryspan.training.trainable import trainable
from memoryspan.validate import whole_number


def question(
    tasks: Sequence[Named],
    models: Sequence[Named],
    *,
    seeds: Iterable[int],
    budget: Budget,
    longest: int,
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
    Settings(batch_size=batch_size, budget=budget)  # refuses what makes no sense
    for named in tasks:
        if "length" in named.settings:
            raise TaskError(f"A span is asked for at all lengths: leave length out of {named}, and give --longest.")
    made = [(named, _at(longest, named)) for named in tasks]
    for _, task in made:
        require_longest(longest, task)
        _require_a_chunk(budget, batch_size, task)
    for task, model in _to_be_tried(made, models):
        trainable([make_model(model, task, seeds[0])], task, batch_size)
    return Question(
        tasks=tuple(_without_length(task) for _, task in made),
        models=tuple(in_full(model) for model in models),
        seeds=seeds,
        budget=budget,
        batch_size=batch_size,
        longest=longest,
    )


def _at(longest: int, named: Named) -> Task:
    try:
        return make_task(named.having(length=longest))
    except TaskError as error:
        raise TaskError(f"At --longest {longest}: {error}") from error


def _without_length(task: Task) -> Named:
    named = asked_task(task)
    settings = {name: value for name, value in named.settings.items() if name != "length"}
    return Named(named.name, settings, named.sha256)


def _to_be_tried(tasks: Sequence[tuple[Named, Task]], models: Sequence[Named]) -> Iterator[tuple[Task, Named]]:
    """Each model once, and on every task where the one or the other is a stranger's: ours are known to fit ours."""
    for number, (named, task) in enumerate(tasks):
        for model in models:
            if number == 0 or user_code.is_stranger(named.name) or user_code.is_stranger(model.name):
                yield task, model


def _require_a_chunk(budget: Budget, batch_size: int, task: Task) -> None:
    examples = UPDATES * batch_size
    tokens = examples * task.shortest
    for name, limit, least in (("examples", budget.examples, examples), ("tokens", budget.tokens, tokens)):
        if limit is not None and limit < least:
            raise TaskError(
                f"A budget of {limit:,} {name} is less than one chunk of {UPDATES} updates of {batch_size} examples of "
                f"{task.name}: give it at least {least:,} {name}."
            )
