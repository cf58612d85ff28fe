"""`memoryspan predict`: a trained model answers."""

import json
import sys

import click

from memoryspan.cli.options import json_option, seed_option
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
@click.option("--probabilities", is_flag=True, help="The three most probable answers; with --json, all.")
@seed_option
@json_option
def predict(run, sequence, probabilities, seed, as_json) -> None:
    """Let a run, or any .keras file, answer: a fresh example, a sequence, or one a line on standard input."""
    from memoryspan.cli.target import open_model, open_target

    if sequence is not None:
        sequences = _read_lines() if sequence == "-" else [_symbols(sequence)]
        model, expected = open_model(run), [None] * len(sequences)
    else:
        from memoryspan.cli.fresh import fresh_examples

        model, task = open_target(run)
        sequences, expected = fresh_examples(task, seed)
    _answer(model, sequences, expected, probabilities, as_json)


def _answer(model, sequences: list, expected: list, probabilities: bool, as_json: bool) -> None:
    from memoryspan.cli.fresh import show
    from memoryspan.prediction import classes
    from memoryspan.prediction import predict as outputs_of

    outputs = outputs_of(model, sequences, probabilities=True)
    if probabilities:
        _check_printable(outputs[0], as_json)
    for sequence, right, output in zip(sequences, expected, outputs, strict=True):
        predicted = classes(output).tolist()
        if as_json:
            facts = {"sequence": sequence, "expected": right, "predicted": predicted}
            facts |= {"probabilities": output.tolist()} if probabilities else {}
            click.echo(json.dumps({name: value for name, value in facts.items() if value is not None}))
        else:
            show(sequence, right, predicted)
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


def _read_lines() -> list[list[int]]:
    """The sequences on standard input, one a line; raises `TaskError` where there is none."""
    text = sys.stdin.buffer.read().decode("utf-8-sig", errors="replace") if sys.stdin else ""
    sequences = [_symbols(line) for line in text.splitlines() if line.strip()]
    if not sequences:
        raise TaskError('There is no sequence on standard input: write one a line, like "60,56,22".')
    return sequences


def _symbols(text: str) -> list[int]:
    """Whole numbers, separated by commas or spaces, in brackets or not."""
    words = text.strip().strip("[]").replace(",", " ").split()
    try:
        return [int(word) for word in words]
    except ValueError:
        raise TaskError(
            f'A sequence reads like "60,56,22": whole numbers and commas, not like {text.strip()!r}.'
        ) from None
