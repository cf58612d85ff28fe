"""`memoryspan train`: train a model until it has solved a task, and save the run."""

import json
import shlex

import click

from memoryspan.cli.options import Count, SpecType, json_option, quiet_option, refuse_all_but, seed_option, task_options
from memoryspan.cli.output import echo, say
from memoryspan.interrupt import exit_code, signals_raise
from memoryspan.spec import Spec
from memoryspan.user_code import is_import_path


@click.command(
    epilog="\b\nExamples:\n  memoryspan train\n  memoryspan train --length 1000 --seed 1\n"
    "  memoryspan train --task copy,n_symbols=4,length=40 --model gru,units=64\n"
    "  memoryspan train --task mine.py:MyTask --model mine.py:build\n"
    "  memoryspan train --learning-rate 0.001 --budget 60s --run runs/slow\n  memoryspan train --resume runs/slow",
)
@task_options
@click.option("--model", type=SpecType(), help="The model: lstm, gru,layers=2, mine.py:build.  [default: lstm]")
@click.option("--units", type=int, help="The width of the model.  [default: the model's own; lstm's is 25]")
@click.option(
    "--parameters",
    type=Count(),
    help="In place of --units: the largest width with at most this many parameters, like 15k.",
)
@seed_option
@click.option("--batch-size", type=int, default=32, show_default=True, help="Examples per update.")
@click.option(
    "--learning-rate", type=float, help="The learning rate of Adam.  [default: the model's own; lstm's is 0.02]"
)
@click.option(
    "--threshold", type=float, default=0.995, show_default=True, help="Accuracy to prove, by its 95 % interval."
)
@click.option("--budget", help="Stop after 200k (examples), 5Mtokens, 90s or 10min, even if unsolved.  [default: 2M]")
@click.option("--run", "directory", type=click.Path(), help="The directory of the run.  [default: a new one in runs/]")
@click.option("--resume", type=click.Path(), help="Resume this run. A larger --budget lets it train longer.")
@quiet_option
@json_option
@click.pass_context
def train(ctx: click.Context, resume: str | None, quiet: bool, as_json: bool, **options) -> None:
    """Train a model on a task, short sequences first, until fresh examples prove that it is solved.

    Saves a run: its record, history, checkpoints and learning curve, and the model as model.keras. That file opens in
    any Keras 3 without this package, if its layers are Keras's own. Ctrl-C keeps what was learned. Exit codes: 0
    solved; 1 not solved within the budget.
    """
    from memoryspan.training.budget import Budget

    text = options.pop("budget")
    budget = None if text is None else Budget.parse(text)
    if resume is not None:
        refuse_all_but(
            ctx,
            {"--resume", "--budget", "--quiet", "--json", "--task", "--model"},
            "A run that --resume continues keeps its settings",
        )
        run = _resume(resume, budget, options["task"], options["model"])
    else:
        run = _start(budget or Budget(), quiet or as_json, **options)
    for notice in run.notices:
        echo(notice, err=True)
    ctx.exit(_train(run, quiet, as_json))


def _start(
    budget,
    quiet,
    *,
    task: Spec | None,
    length,
    features,
    out_index,
    model: Spec | None,
    units,
    parameters,
    learning_rate,
    seed,
    directory,
    **settings,
):
    from memoryspan.tasks import make_task

    task = (task or Spec("echo")).with_settings(length=length, n_features=features, out_index=out_index)
    chosen = make_task(task)  # invalid settings are refused before Keras is imported
    from memoryspan.models import make_model, resolve_units, with_defaults
    from memoryspan.runs import Run
    from memoryspan.training import TrainConfig

    config = TrainConfig(seed=seed, budget=budget, **settings)
    model = (model or Spec("lstm")).with_settings(units=units, learning_rate=learning_rate, parameters=parameters)
    model = resolve_units(model, chosen)
    built = make_model(model, chosen, seed)
    summary: list[str] = []
    built.summary(print_fn=summary.append)  # now: once the optimizer has weights, they are counted too
    builder = with_defaults(model).with_settings(seed=seed)
    run = Run.create(built, chosen, config, directory=directory, builder=builder)
    if not quiet:
        say("\n".join(summary))
    return run


def _resume(directory: str, budget, task: Spec | None, model: Spec | None):
    """Open a run; `task` and `model` name the user code that its task or layers come from."""
    from memoryspan.cli.target import open_saved
    from memoryspan.runs import Run

    saved = open_saved(directory, task, model)
    return Run.resume(directory, budget=budget, task_class=saved.task_class)


def _train(run, quiet: bool, as_json: bool) -> int:
    """Train, print the result, and return the exit code."""
    from memoryspan.cli.live import training
    from memoryspan.training import Status

    with training(run.task.min_length, run.task.length, quiet or run.ended) as on_chunk, signals_raise():
        result = run.train(on_chunk=on_chunk)
    drawn = _draw(run, result)
    if as_json:
        say(json.dumps(_as_json(run)))
    else:
        _show(run, result, drawn)
    return {Status.SOLVED: 0, Status.INTERRUPTED: exit_code()}.get(result.status, 1)


def _draw(run, result) -> bool:
    """Draw the learning curve, and return whether that worked; if not, print a notice. The run itself is complete."""
    if not result.history:
        return False
    try:
        from memoryspan.report.figures.learning_curve import (
            draw_learning_curve,  # Matplotlib itself writes files, too
        )

        draw_learning_curve(result.history, run.task, run.directory)
    except OSError as error:
        echo(
            f"The learning curve could not be written to {run.directory}: {error.strerror or error}. The rest "
            f"is saved: make room there, then memoryspan train --resume {shlex.quote(str(run.directory))} draws it.",
            err=True,
        )
        return False
    return True


def _as_json(run) -> dict:
    from memoryspan.files.json import to_builtins

    return {"run": str(run.directory), **to_builtins(run.record)}


def _show(run, result, drawn: bool) -> None:
    from memoryspan.cli.fresh import show_fresh
    from memoryspan.training import Status

    say(f"\n{result.status.message}", bold=True)
    for note in result.notes:
        if note not in run.notices:  # they were printed before the training
            say(note)
    if result.history:
        last = result.history[-1]
        say(f"{last.updates:,} updates, {last.examples:,} examples, {last.seconds:.2f} s of training")
    if result.accuracy is not None:
        say(f"Accuracy: {result.accuracy}\n\nFresh examples:")
        show_fresh(run.model, run.task, run.config.seed, count=3)
    pictures = ["learning-curve.png", "learning-curve.svg"] if drawn else []
    kept = ", ".join(["model.keras", *pictures, "run.json", "history.jsonl"])
    say(f"\nThe run is in {run.directory}: {kept}.")
    place, files = shlex.quote(str(run.directory)), _files_again(run.record.config)
    if result.status in (Status.SOLVED, Status.NOT_FINITE, Status.MEMORY):
        say(f"Next: memoryspan report {place} --open{files}")
    else:
        more = "" if result.status is Status.INTERRUPTED else " --budget 10M"
        say(f"Next: memoryspan train --resume {place}{more}{files}")


def _files_again(config) -> str:
    """Return the options that name user code again, because nothing is imported only because a record names it."""
    pairs = (("task", config.task.name), ("model", config.model.name))
    return "".join(f" --{kind} {shlex.quote(name)}" for kind, name in pairs if is_import_path(name))
