"""`memoryspan predict`: a trained model answers."""

import json
import os
import stat
import sys
from collections.abc import Iterator

import click

from memoryspan.cli.options import NamedType, json_option, model_file_option, seed_option, symbols_in
from memoryspan.errors import TaskError


@click.command(
    epilog="\b\nExamples:\n  memoryspan predict runs/echo-lstm-50-001\n"
    '  memoryspan predict runs/echo-lstm-50-001 --sequence "60,56,22,44,1"\n'
    "  memoryspan predict runs/echo-lstm-50-001 --sequence - < sequences.txt",
)
@click.argument("run", metavar="RUN|MODEL.keras")
@click.option(
    "--sequence",
    help='Symbols, like "60,56,22", or - for one sequence a line on standard input.  [default: a fresh example]',
)
@click.option(
    "--task", type=NamedType(), help="Where the run's task is from a file of your own: that file, mine.py:MyTask."
)
@model_file_option
@click.option("--probabilities", is_flag=True, help="The three most probable answers; with --json, all.")
@seed_option
@json_option
def predict(run, sequence, task, model, probabilities, seed, as_json) -> None:
    """Let a run, or any .keras file, answer: a fresh example, a sequence, or one a line on standard input."""
    from memoryspan.cli.target import open_model, open_target

    if sequence == "-":
        opened = open_model(run, task, model)
        for one in _lines():
            _answer(opened, one, None, probabilities, as_json)
    elif sequence is not None:
        symbols = symbols_in(sequence)
        _answer(open_model(run, task, model), symbols, None, probabilities, as_json)
    else:
        from memoryspan.cli.fresh import fresh_examples

        if _is_piped():
            click.echo("Standard input is not read: --sequence - answers one sequence a line of it.", err=True)
        opened, chosen = open_target(run, task, made_by=model)
        (fresh,), (expected,), (asked,) = fresh_examples(chosen, seed)
        _answer(opened, fresh, expected, probabilities, as_json, asked)


def _answer(model, sequence, expected: object, probabilities: bool, as_json: bool, asked=None) -> None:
    """Prints the model's answer to one sequence, or its answers at the steps where `asked`."""
    import numpy as np

    from memoryspan.cli.fresh import answers_asked, show
    from memoryspan.prediction import classes
    from memoryspan.prediction import predict as output_of

    (output,) = output_of(model, [sequence], probabilities=True)
    if probabilities:
        _check_printable(output, as_json)
    predicted = classes(output)
    predicted = predicted.tolist() if asked is None else answers_asked(predicted, asked)
    sequence = np.asarray(sequence).tolist()
    if as_json:
        facts = {"sequence": sequence, "expected": expected, "predicted": predicted}
        facts |= {"probabilities": output.tolist()} if probabilities else {}
        click.echo(json.dumps({name: value for name, value in facts.items() if value is not None}))
        return
    show(sequence, expected, predicted)
    if probabilities:
        click.echo(f"Probabilities: {_most_probable(output)}")


def _check_printable(output, as_json: bool) -> None:
    """Refuses --probabilities where there are none, or where they fill the screen."""
    from memoryspan.prediction import is_number

    if is_number(output):
        raise click.UsageError("This model answers with a number, which has no probabilities: leave --probabilities.")
    if output.ndim > 1 and not as_json:
        raise click.UsageError("This model answers at every step: --probabilities needs --json there.")


def _most_probable(output) -> str:
    return ", ".join(f"{symbol}: {output[symbol]:.4f}" for symbol in (-output).argsort()[:3])


def _lines() -> Iterator[list[int]]:
    """The sequences on standard input, one a line, as they come; raises `TaskError` where there is none."""
    found = False
    for number, line in enumerate(sys.stdin.buffer if sys.stdin else (), start=1):
        text = line.decode("utf-8-sig", errors="replace")
        if text.strip():
            found = True
            try:
                yield symbols_in(text)
            except TaskError as error:
                raise TaskError(f"Line {number}: {error}") from None
    if not found:
        raise TaskError('There is no sequence on standard input: write one a line, like "60,56,22".')


def _is_piped() -> bool:
    """Whether somebody has connected a pipe or a file to standard input."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
