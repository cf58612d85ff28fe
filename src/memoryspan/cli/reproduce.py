"""`memoryspan reproduce`: published experiments, run here, beside what was published."""

import json
import shlex
import sys
from pathlib import Path

import click

from memoryspan.cli.options import given, json_option
from memoryspan.cli.output import heeding_ctrl_c, say


@click.command(
    epilog="\b\nExamples:\n  memoryspan reproduce --list\n  memoryspan reproduce lstm-1997 --quick\n"
    "  memoryspan reproduce lstm-1997/adding-100 --seeds 10\n"
    "  memoryspan reproduce lstm-1997 echo --run runs/published --executor dask\n"
    "  memoryspan reproduce --run runs/published",
)
@click.argument("names", nargs=-1, metavar="[PAPER|EXPERIMENT]...")
@click.option("--list", "only_list", is_flag=True, help="Show what there is, with what was published, and run nothing.")
@click.option("--quick", is_flag=True, help="Of those named only what takes a few minutes, and 3 seeds.")
@click.option("--seeds", type=click.IntRange(1), help="How many trainings of each.  [default: 5; 3 with --quick]")
@click.option("--run", "directory", type=click.Path(), help="Where to keep it.  [default: a fresh directory in runs/]")
@click.option("--retry-failed", is_flag=True, help="Also run again what ended in an error.")
@click.option("--workers", type=int, help="Processes.  [default: one a core]")
@click.option("--executor", help="dask, or the address of a Dask scheduler, like tcp://host:8786.")
@json_option
@click.pass_context
def reproduce(ctx: click.Context, names: tuple[str, ...], only_list: bool, directory: str | None, **options) -> None:
    """Repeat published memory experiments, and show what was published beside what is measured here.

    Each is trained to its published criterion with stock Keras models of comparable size, twice: with the curriculum,
    which is what this package adds, and without, as published. Keeps a sweep: rerunning it with --run runs only what is
    missing. Exit code 1: some trainings ended in an error.
    """
    if only_list:
        if others := sorted(given(ctx) - {"names", "--list", "--json"}):
            raise click.UsageError(f"--list runs nothing: leave {', '.join(others)}.", ctx)
        _list(names, options["as_json"])
        return
    if not names and directory is None:
        raise click.UsageError(
            "Which experiments? `memoryspan reproduce lstm-1997 --quick` takes a few minutes; --list has all.", ctx
        )
    if not names and (others := sorted(given(ctx) & {"--quick", "--seeds"})):
        raise click.UsageError(f"A sweep goes on with the question that it has: leave {', '.join(others)}.", ctx)
    ctx.exit(_sweep(names, directory, **options))


def _list(names: tuple[str, ...], as_json: bool) -> None:
    from memoryspan.report.span_table import shown
    from memoryspan.reproduce.suite import GROUPS, meant
    from memoryspan.runs.record import plain

    experiments = meant(names or GROUPS)
    if as_json:
        say(json.dumps(plain(experiments)))
        return
    for each in experiments:
        say(f"{each.name}: {each.what}")
        say(f"  published: {each.published.model}: {each.published} ({each.published.source})")
        say(f"  here:      {shown(each.model)} on {shown(each.task)}, at most {each.sequences:,} sequences")


def _sweep(
    names: tuple[str, ...], directory: str | None, *, quick, seeds, retry_failed, workers, executor, as_json
) -> int:
    """Answers what is missing, shows all, and returns the exit code."""
    from memoryspan.reproduce.experiment import trials
    from memoryspan.reproduce.suite import meant
    from memoryspan.spans.executors import workers as hire
    from memoryspan.spans.sweep import begin, missing, open_sweep
    from memoryspan.spans.trial import Trials

    now = trials(meant(names, quick), range(seeds or (3 if quick else 5))) if names else None
    cells = (now or open_sweep(str(directory), Trials).manifest.asked).cells
    with hire(executor, workers, cells) as crew, begin(directory, now) as sweep:
        for notice in sweep.notices:
            click.echo(notice, err=True)
        if cells := missing(sweep, retry_failed):
            with heeding_ctrl_c():
                _answer(sweep, cells, crew)
        drawn = _draw(sweep)
    _show(sweep, drawn, as_json)
    return int(any(answer.failure for answer in sweep.answers.values()))


def _answer(sweep, cells, crew) -> None:
    from memoryspan.cli.live import sweeping
    from memoryspan.cli.table import reproduced_table
    from memoryspan.report.reproduced_table import in_a_line
    from memoryspan.reproduce.compare import compare
    from memoryspan.spans.executors import run

    def table(answers):
        return reproduced_table(compare(answers))

    try:
        with sweeping(sweep, len(cells), table, in_a_line) as (on_answer, on_event):
            run(sweep, cells, crew, on_answer, on_event)
    except KeyboardInterrupt:
        click.echo(
            f"{len(sweep.answers)} of {len(sweep.cells)} trainings are done and kept; "
            f"memoryspan reproduce --run {shlex.quote(str(sweep.directory))} does the others, from their beginning.",
            err=True,
        )
        raise


def _draw(sweep) -> Path | None:
    """The picture; None where there is nothing to draw, or no place for it."""
    from memoryspan.reproduce.compare import compare

    rows = compare(sweep.answered)
    if not any(row.seeds for row in rows):
        return None
    from memoryspan.report.reproduced import FILE, draw_reproduced, drawn

    if not drawn(rows):
        return None
    try:
        return draw_reproduced(rows, sweep.directory / FILE)
    except OSError as error:
        click.echo(f"The picture could not be written to {sweep.directory}: {error.strerror or error}.", err=True)
        return None


def _show(sweep, drawn: Path | None, as_json: bool) -> None:
    from rich.console import Console

    from memoryspan.cli.table import reproduced_table
    from memoryspan.report.reproduced_table import in_a_line, notes
    from memoryspan.reproduce.compare import compare
    from memoryspan.runs.record import plain

    answers = sweep.answered
    rows = compare(answers)
    if as_json:
        figures = [plain(row) | {"ratio": row.ratio} for row in rows]
        say(json.dumps({"sweep": str(sweep.directory), "experiments": figures, "answers": plain(answers)}))
        return
    Console(width=None if sys.stdout.isatty() else 200).print(reproduced_table(rows))
    for sentence in notes(rows):
        say(sentence)
    for answer in answers:
        if answer.failure:
            say(f"\n{in_a_line(answer)}")
    kept = [*([drawn.name, drawn.with_suffix(".svg").name] if drawn else []), "results.csv", "cells/"]
    say(f"\nThe sweep is in {sweep.directory}: {', '.join(kept)}.")
    if any(answer.failure for answer in answers):
        say(f"Next: memoryspan reproduce --run {shlex.quote(str(sweep.directory))} --retry-failed")
