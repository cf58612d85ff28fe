"""What the commands that answer a sweep have in common: `span` and `reproduce` differ in how they show it."""

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memoryspan.cli.output import say, sigint_raises

if TYPE_CHECKING:
    from memoryspan.cli.table import Cells
    from memoryspan.reproduce.trial import Trials
    from memoryspan.sweeps.manifest import Question
    from memoryspan.sweeps.result import Answer
    from memoryspan.sweeps.sweep import Sweep


@dataclass(frozen=True)
class View:
    """How a kind of sweep is shown, by functions of its answers."""

    table: "Callable[[Sequence[Answer]], Cells]"
    one_line: "Callable[[Answer], str]"
    notes: "Callable[[Sequence[Answer]], list[str]]"
    """What is said below the table."""
    draw: "Callable[[Sequence[Answer], Path], Path | None]"
    """Draws into a directory, and returns the picture's path; None where there is nothing to draw."""
    as_json: "Callable[[Sequence[Answer]], dict[str, Any]]"


def answer_and_show(
    directory: str | None,
    question: "Question | Trials | None",
    kind: "type[Question | Trials]",
    view: View,
    *,
    retry_failed: bool,
    workers: int | None,
    executor: str | None,
    as_json: bool,
) -> int:
    """Answers what is missing, shows all, and returns the exit code; without a question it is the directory's."""
    from memoryspan.sweeps.run import workers as hire
    from memoryspan.sweeps.sweep import begin, missing, open_sweep

    cells = (question or open_sweep(str(directory), kind).manifest.asked).cells
    # Workers that cannot be had are found out before there is a directory; processes of this machine start with work.
    with hire(executor, workers, cells) as crew, begin(directory, question) as sweep:
        for notice in sweep.notices:
            click.echo(notice, err=True)
        if cells := missing(sweep, retry_failed):
            with sigint_raises():
                _answer(sweep, cells, crew, view)
        drawn = _draw(sweep, view)
    _show(sweep, drawn, view, as_json)
    return int(any(answer.failure for answer in sweep.answers.values()))


def _again(sweep: "Sweep") -> str:
    """The command that goes on with it."""
    return f"memoryspan {sweep.manifest.asked.command} --run {shlex.quote(str(sweep.directory))}"


def _answer(sweep: "Sweep", cells, crew, view: View) -> None:
    from memoryspan.cli.live import sweeping
    from memoryspan.sweeps.run import run

    try:
        with sweeping(sweep, len(cells), view.table, view.one_line) as (on_answer, on_event):
            run(sweep, cells, crew, on_answer, on_event)
    except KeyboardInterrupt:
        click.echo(
            f"{len(sweep.answers)} of {len(sweep.cells)} cells are answered and kept; {_again(sweep)} answers the "
            f"others, from their beginning.",
            err=True,
        )
        raise


def _draw(sweep: "Sweep", view: View) -> Path | None:
    """The picture; None where there is nothing to draw, or no place for it."""
    try:
        return view.draw(sweep.answered, sweep.directory)
    except OSError as error:
        click.echo(f"The picture could not be written to {sweep.directory}: {error.strerror or error}.", err=True)
        return None


def _show(sweep: "Sweep", drawn: Path | None, view: View, as_json: bool) -> None:
    from rich.console import Console

    from memoryspan.cli.table import stacked, table
    from memoryspan.files.versioned import plain

    answers = sweep.answered
    if as_json:
        shown = {"sweep": str(sweep.directory), **view.as_json(answers), "answers": plain(answers)}
        say(json.dumps(shown, allow_nan=False))
        return
    console, cells = Console(), view.table(answers)
    needed = console.measure(table(cells), options=console.options.update(width=10_000)).maximum
    if not sys.stdout.isatty():
        console.width = needed
    if needed <= console.width:
        console.print(table(cells))
    else:
        say(stacked(cells))
    for sentence in view.notes(answers):
        say(sentence)
    for answer in answers:
        if answer.failure:
            say(f"\n{view.one_line(answer)}")
    if not all(cell.repeatable for cell in sweep.cells):
        say("\nThe budget is in seconds: asked again, this sweep would not have the same answers.")
    kept = [*([drawn.name, drawn.with_suffix(".svg").name] if drawn else []), "results.csv", "cells/"]
    say(f"\nThe sweep is in {sweep.directory}: {', '.join(kept)}.")
    if any(answer.failure for answer in answers):
        say(f"Next: {_again(sweep)} --retry-failed")
