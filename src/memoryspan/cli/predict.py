"""`memoryspan predict`: print the answer of a trained model."""

import json
import os
import stat
import sys
from collections.abc import Iterator

import click

from memoryspan.cli.options import (
    FRESH_EXAMPLE,
    json_option,
    model_file_option,
    reads_option,
    refuse,
    seed_option,
    sequence_in,
    sequence_option,
    task_options,
)
from memoryspan.cli.output import echo
from memoryspan.errors import TaskError


@click.command(
    epilog="\b\nExamples:\n  memoryspan predict runs/echo-lstm-50-001\n"
    '  memoryspan predict runs/echo-lstm-50-001 --sequence "60,56,22,44,1"\n'
    '  memoryspan predict forecast.keras --sequence "0.1,0.2,0.3"\n'
    "  memoryspan predict runs/echo-lstm-50-001 --sequence - < sequences.txt",
)
@click.argument("run", metavar="RUN|MODEL.keras")
@sequence_option(", or - to read one per line from standard input")
@task_options
@reads_option
@model_file_option
@click.option("--probabilities", is_flag=True, help="Print the three most probable answers; with --json, all.")
@seed_option
@json_option
@click.pass_context
def predict(ctx, run, sequence, task, length, features, out_index, reads, model, probabilities, seed, as_json) -> None:
    """Print the answer of a run, or of any .keras file, to a fresh example, a sequence, or each line of standard input.

    The task of a run decides whether the sequence holds symbols or numbers; for a file, its input and its layers
    decide, or --task or --reads.
    """
    from memoryspan.cli.target import open_reader, open_target

    if sequence is not None:
        refuse(ctx, FRESH_EXAMPLE, "A sequence is answered as it is")
        one = None if sequence == "-" else sequence_in(sequence)
        opened, chosen = open_reader(run, task, features, model)
        for each in _lines() if one is None else [one]:
            _answer(opened, chosen, each, reads, probabilities, as_json)
    else:
        from memoryspan.cli.fresh import fresh_examples

        if _is_piped():
            echo("Standard input is not read: --sequence - answers one sequence a line of it.", err=True)
        opened, chosen = open_target(run, task, length, features, out_index, model)
        (fresh,), (expected,), (places,) = fresh_examples(chosen, seed)
        _answer(opened, chosen, fresh, reads, probabilities, as_json, expected, places)


def _answer(model, task, sequence, reads, probabilities: bool, as_json: bool, expected=None, asked=None) -> None:
    """Print the model's answer to one sequence, or its answers at the steps in the mask `asked`."""
    import numpy as np

    from memoryspan.cli.fresh import answers_asked, output_for, show
    from memoryspan.inference.predict import decode_output, is_classifier

    output, of_classes = output_for(model, sequence, task, reads), is_classifier(model, task)
    if probabilities:
        _check_printable(output, of_classes, as_json)
    predicted = decode_output(output, of_classes)
    predicted = predicted.tolist() if asked is None else answers_asked(predicted, asked)
    sequence = np.asarray(sequence).tolist()
    if as_json:
        facts = {"sequence": sequence, "expected": expected, "predicted": predicted}
        facts |= {"probabilities": output.tolist()} if probabilities else {}
        echo(json.dumps({name: value for name, value in facts.items() if value is not None}))
        return
    show(sequence, expected, predicted)
    if probabilities:
        echo(f"Probabilities: {_most_probable(output)}")


def _check_printable(output, of_classes: bool, as_json: bool) -> None:
    """Raise `UsageError` where there are no probabilities, or too many to print."""
    if not of_classes:
        raise click.UsageError("This model answers with numbers, which have no probabilities: leave --probabilities.")
    if output.ndim > 1 and not as_json:
        raise click.UsageError("This model answers at every step: --probabilities needs --json there.")


def _most_probable(output) -> str:
    return ", ".join(f"{symbol}: {output[symbol]:.4f}" for symbol in (-output).argsort()[:3])


def _lines() -> Iterator[list]:
    """Yield the sequences on standard input, one per line, as they come; raises `TaskError` if there is none."""
    found = False
    for number, line in enumerate(sys.stdin.buffer if sys.stdin else (), start=1):
        text = line.decode("utf-8-sig", errors="replace")
        if text.strip():
            found = True
            try:
                yield sequence_in(text)
            except TaskError as error:
                raise TaskError(f"Line {number}: {error}") from None
    if not found:
        raise TaskError('There is no sequence on standard input: write one a line, like "60,56,22".')


def _is_piped() -> bool:
    """Return whether standard input is a pipe or a file."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
