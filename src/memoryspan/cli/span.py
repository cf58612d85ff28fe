"""`memoryspan span`: the learned and held spans of models, over tasks and seeds; or the held span of one model."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memoryspan.cli.options import (
    Count,
    SpecType,
    bounded,
    explicit_parameters,
    json_option,
    refuse,
    refuse_all_but,
    sweep_options,
)
from memoryspan.cli.output import say, unless_unwritable
from memoryspan.errors import RunError
from memoryspan.spec import Spec

if TYPE_CHECKING:
    from memoryspan.spans.trial import SpanSweepConfig


@click.command(
    epilog="\b\nExamples:\n  memoryspan span --model lstm --model gru --seeds 3 --budget 5Mtok --max-length 1024\n"
    "  memoryspan span --task copy,n_symbols=4 --task adding --model lstm,units=50 --model mine.py:build\n"
    "  memoryspan span --model lstm --model transformer --parameters 15k\n"
    "  memoryspan span --dir runs/span-echo-001 --retry-failed\n"
    "  memoryspan span runs/echo-lstm-50-001",
)
@click.argument("target", required=False, metavar="[RUN|MODEL.keras]")
@click.option("--task", "tasks", type=SpecType(), multiple=True, help="A task; may be repeated.  [default: echo]")
@click.option("--model", "models", type=SpecType(), multiple=True, help="A model; may be repeated.  [default: lstm]")
@click.option(
    "--seeds",
    type=int,
    default=5,
    show_default=True,
    callback=bounded,
    help="The number of trainings of each model on each task.",
)
@click.option(
    "--budget", default="20Mtok", show_default=True, help="Budget of each training: 20k (examples), 50Mtok, 10min."
)
@click.option(
    "--max-length", type=int, default=4096, show_default=True, help="The maximum length to test, in time steps."
)
@click.option("--batch-size", type=int, default=32, show_default=True, help="Examples per update.")
@click.option("--parameters", type=Count(), help="The largest width with at most this many parameters, like 15k.")
@sweep_options
@json_option
@click.pass_context
def span(ctx: click.Context, target: str | None, directory: str | None, **options) -> None:
    """Measure how far back models remember: the longest length that each masters within a budget, over seeds.

    There are two spans, both with an interval over seeds, in time steps and in lag. Learned: the longest length that
    training from scratch masters. Held: the longest length that the trained model still masters, with 95 % right,
    without more training (length generalisation).

    Saves a sweep: a manifest, one file per trial, results.csv and a picture. With --dir alone it resumes a sweep. With
    more seeds, models or tasks as well, or with a larger budget or maximum length, it extends it, and keeps the results
    that still hold; settings that are left out stay as they are. Exit code 1: some trials ended in an error.

    Given a run or a .keras file, the command measures the held span of that model.
    """
    if target is not None:
        _require_trained(target)
        refuse_all_but(
            ctx, {"target", "--task", "--model", "--max-length", "--json"}, "A trained model is measured as it is"
        )
        _hold(target, **{name: options[name] for name in ("tasks", "models", "max_length", "as_json")})
        return
    if directory is None:
        refuse(ctx, {"--retry-failed"}, "A new sweep has no failed trials")
    how = {name: options.pop(name) for name in ("retry_failed", "workers", "executor", "quiet", "as_json")}
    ctx.exit(_sweep(directory, explicit_parameters(ctx), options, how))


def _require_trained(target: str) -> None:
    """Raise `RunError` where there is neither a run nor a model's file."""
    from memoryspan.cli.target import is_keras_file, is_run
    from memoryspan.spans.kind import SPAN
    from memoryspan.sweeps.manifest import is_sweep, read_manifest

    if is_keras_file(target) or is_run(target):
        return
    if is_sweep(Path(target)):
        read_manifest(Path(target), SPAN)  # raises, and names the command, where it is a sweep of another kind
        raise RunError(f"{target} is a sweep: `memoryspan span --dir {shlex.quote(target)}` resumes and shows it.")
    raise RunError(
        f"There is no run and no .keras file at {target}: give one to measure its held span, or leave it to start a "
        f"sweep of new trainings."
    )


def _sweep(directory: str | None, typed: set[str], settings: dict[str, Any], how: dict[str, Any]) -> int:
    """Run what is pending, show all, and return the exit code."""
    from memoryspan.cli.sweeping import config_in, run_and_show
    from memoryspan.spans.kind import SPAN

    before = config_in(directory, SPAN)
    resumes = before is not None and not typed & set(settings)
    return run_and_show(directory, None if resumes else _config(before, typed, **settings), SPAN, **how)


def _config(
    before: "SpanSweepConfig | None",
    typed: set[str],
    *,
    tasks,
    models,
    seeds,
    budget,
    max_length,
    batch_size,
    parameters,
) -> "SpanSweepConfig":
    """Return the settings that were typed, and otherwise those of the sweep as it is, or the defaults of a new one."""
    from memoryspan.spans.plan import plan
    from memoryspan.sweeps.sweep import require_named
    from memoryspan.training.budget import Budget

    settings = {
        "tasks": tasks or [Spec("echo")],
        "models": models or [Spec("lstm")],
        "seeds": range(seeds),
        "budget": Budget.parse(budget),
        "max_length": max_length,
        "batch_size": batch_size,
    }
    if before is not None:
        require_named(before.trials, before.trials, named={name.removesuffix("s") for name in typed})
        settings |= {name: getattr(before, name) for name in settings if name not in typed}
    settings["models"] = [model.with_settings(parameters=parameters) for model in settings["models"]]
    return plan(**settings)


def _hold(target: str, tasks: tuple[Spec, ...], models: tuple[Spec, ...], max_length: int, as_json: bool) -> None:
    """Measure and print the held span of a trained model."""
    from memoryspan.accuracy import accuracy_record
    from memoryspan.cli.live import measured_span
    from memoryspan.cli.target import is_run, open_target
    from memoryspan.files.json import to_builtins
    from memoryspan.report.tables.span import held_sentence
    from memoryspan.tasks import task_config

    if len(tasks) > 1 or len(models) > 1:
        raise click.UsageError("A trained model is measured on one task: give --task once, and --model at most once.")
    for spec in tasks:
        if "length" in spec.settings:
            raise click.UsageError(f"A span covers all lengths: leave length out of {spec}, and give --max-length.")
    model, task = open_target(target, tasks[0] if tasks else None, builder=models[0] if models else None)
    held = measured_span(model, task, max_length)
    curve = [accuracy_record(accuracy) for accuracy in held.curve]
    capacity = _capacity(model) if task.name == "delay" else None
    if as_json:
        figures = {"held": held.span, "curve": curve} | ({"memory_capacity": capacity} if capacity is not None else {})
        say(json.dumps({"model": target, "task": to_builtins(task_config(task)), **to_builtins(figures)}))
    else:
        for accuracy in held.curve:
            say(f"{accuracy.length:>10,} steps  {accuracy}")
        say(f"\n{held_sentence(held.span, curve)}")
        if capacity is not None:
            say(f"Short-term memory capacity (Jaeger 2002): {capacity:.2f} symbols.")
    if is_run(target):
        with unless_unwritable("The held span", target):
            _keep_held(target, task, held)
        if not as_json:
            with unless_unwritable("The picture", target):
                _draw(target, task, model.name, curve)


def _draw(target: str, task, model: str, curve: list) -> None:
    from memoryspan.report.figures.span import FILE, draw_curves
    from memoryspan.sweeps.trial import display_name
    from memoryspan.tasks import task_config

    drawn = draw_curves({display_name(task_config(task)): {model: [curve]}}, Path(target) / FILE)
    say(f"The picture is in {target}: {drawn.name}, {drawn.with_suffix('.svg').name}.")


def _keep_held(target: str, task, held) -> None:
    """Save the held span for the page of the run, if it is on the run's own task and the training has ended."""
    from memoryspan.runs import Run
    from memoryspan.spans import held_file
    from memoryspan.tasks import task_config

    run = Run.load(target)
    if run.record.results is not None and task_config(task) == run.record.config.task:
        held_file.save(run.directory, held_file.as_record(held, run.record.results.updates))


def _capacity(model) -> float | None:
    """Return the memory capacity, or None where the model's states cannot be read."""
    from memoryspan.errors import ModelError
    from memoryspan.spans.capacity import memory_capacity

    try:
        return memory_capacity(model)
    except ModelError:
        return None
