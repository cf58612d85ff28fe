"""`memoryspan report`: a run or a sweep as one HTML file."""

import webbrowser
from pathlib import Path

import click

from memoryspan.cli.options import SpecType, model_file_option, refuse
from memoryspan.cli.output import echo, say, unless_unwritable
from memoryspan.files.atomic import as_run_error

SHORT, FURTHER = 256, 4
"""The page of a run tests lengths up to `SHORT` steps, or up to `FURTHER` times the trained length if that is more.
`memoryspan span` tests longer ones."""


@click.command(
    epilog="\b\nExamples:\n  memoryspan report runs/echo-lstm-50-001 --open\n"
    "  memoryspan report runs/span-echo-001 -o spans.html",
)
@click.argument("target", metavar="RUN|SWEEP")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="The file to write.  [default: report.html in the directory]",
)
@click.option("--task", type=SpecType(), help="Your own file, if the task of the run is from it: mine.py:MyTask.")
@model_file_option
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.pass_context
def report(ctx: click.Context, target: str, output: str | None, task, model, opens: bool) -> None:
    """Make a page of a run or a sweep: one HTML file, which opens from the disk and needs no network.

    If a run has LSTM, GRU or SimpleRNN layers, the model runs in the page: type a sequence and watch gates and states
    remember it, at several moments of the training. The page of a sweep has a sortable table and accuracy against
    length. The first page of a run measures its held span. An existing file is replaced only if it is such a page.
    """
    from memoryspan.cli.target import is_run
    from memoryspan.report.page.html import write_page

    path = _where(target, output)
    if is_run(target):
        page = _run_page(target, task, model)
    else:
        refuse(ctx, {"--task", "--model"}, "A sweep is shown as it is")
        page = _sweep_page(target)
    with as_run_error(path.parent, "Make room there, or give another -o."):
        write_page(page, path)
    address = path.resolve().as_uri()
    say(f"The page is in {path}: {address}")
    if opens and not webbrowser.open(address):
        echo("No browser could be started here: open that address in one.", err=True)


def _where(target: str, output: str | None) -> Path:
    """Return the file to write; raises `UsageError` where it would replace something else, or has no directory."""
    from memoryspan.cli.target import is_keras_file
    from memoryspan.report.page.html import FILE, is_page

    if is_keras_file(target):
        raise click.UsageError(f"{target} is a file, and a page is made of the directory of a run or of a sweep.")
    if not Path(target).is_dir():
        raise click.UsageError(f"There is no run and no sweep at {target}: give the directory of one.")
    path = Path(output) if output else Path(target) / FILE
    if path.suffix != ".html":
        raise click.UsageError(f"A page is written as .html, and {path} does not end in that.")
    if path.exists() and not is_page(path):
        raise click.UsageError(f"{path} is there already, and is not such a page: remove it, or give another -o.")
    if not path.parent.is_dir():
        raise click.UsageError(f"There is no directory {path.parent}: make it, or give another -o.")
    return path


def _run_page(target: str, task, model):
    from memoryspan.cli.target import open_saved
    from memoryspan.report.page.run import run_page

    run = open_saved(target, task, model)
    trained, updates = run.model_and_updates()
    return run_page(run, trained, updates, _held(run, trained, updates))


def _held(run, model, updates: int):
    """Return the held span of a run's model as it was saved, if that covers enough, or else measure and save it."""
    from memoryspan.cli.live import measured_span
    from memoryspan.errors import RunError
    from memoryspan.spans import held_file

    max_length = max(SHORT, FURTHER * run.task.length)
    try:
        if (held := held_file.load(run.directory, updates)) and held.covers(max_length):
            return held
    except RunError as error:
        echo(f"{error} It is measured again now.", err=True)
    held = held_file.as_record(measured_span(model, run.task, max_length), updates)
    with unless_unwritable("The held span", run.directory):
        held_file.save(run.directory, held)
    return held


def _sweep_page(target: str):
    from memoryspan.report.page.sweep import sweep_page
    from memoryspan.report.views import SWEEP_KINDS
    from memoryspan.sweeps.sweep import read_sweep

    sweep = read_sweep(target, *SWEEP_KINDS)
    for notice in sweep.notices:
        echo(notice, err=True)
    return sweep_page(sweep)
