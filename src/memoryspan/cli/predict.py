"""`memoryspan predict`: a trained model answers."""

import json
import os
import stat
import sys

import click

from memoryspan.cli.options import json_option, seed_option
from memoryspan.errors import TaskError


@click.command(
    epilog="\b\nExamples:\n  memoryspan predict runs/echo-lstm-50-001\n"
    '  memoryspan predict runs/echo-lstm-50-001 --sequence "60,56,22,44,1"\n'
    "  memoryspan predict runs/echo-lstm-50-001 < sequences.txt",
)
@click.argument("run", metavar="RUN|MODEL.keras")
@click.option(
    "--sequence",
    help='Symbols, like "60,56,22"; without it: one sequence a line on standard input, or a fresh example.',
)
@click.option("--probabilities", is_flag=True, help="The three most probable answers; with --json, all.")
@seed_option
@json_option
def predict(run, sequence, probabilities, seed, as_json) -> None:
    """Let a run, or any .keras file, answer: a fresh example, a sequence, or one a line on standard input."""
    from memoryspan.cli.target import open_target

    sequences = [_symbols(sequence)] if sequence is not None else _piped()
    model, task = open_target(run, None, None, None, None)
    expected = [None] * len(sequences or ())
    if sequences is None:
        from memoryspan.cli.fresh import fresh_examples

        sequences, expected = fresh_examples(task, seed)
    _answer(model, sequences, expected, probabilities, as_json)


def _answer(model, sequences: list, expected: list, probabilities: bool, as_json: bool) -> None:
    from memoryspan.cli.fresh import show
    from memoryspan.prediction import predict as outputs_of

    for sequence, right, output in zip(
        sequences, expected, outputs_of(model, sequences, probabilities=True), strict=True
    ):
        predicted = output.argmax(-1).tolist()
        if as_json:
            facts = {"sequence": sequence, "expected": right, "predicted": predicted}
            facts |= {"probabilities": output.tolist()} if probabilities else {}
            click.echo(json.dumps({name: value for name, value in facts.items() if value is not None}))
        else:
            show(sequence, right, predicted)
            if probabilities:
                click.echo(f"Probabilities: {_most_probable(output)}")


def _most_probable(output) -> str:
    return ", ".join(f"{symbol}: {output[symbol]:.4f}" for symbol in (-output).argsort(-1)[..., :3])


def _piped() -> list | None:
    """The sequences on standard input, one a line, where a pipe or a file stands there; else None."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError):  # no standard input at all
        return None
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode)):
        return None
    return [_symbols(line) for line in sys.stdin if line.strip()] or None


def _symbols(text: str) -> list[int]:
    """Whole numbers, separated by commas or spaces, in brackets or not."""
    words = text.strip().strip("[]").replace(",", " ").split()
    try:
        return [int(word) for word in words]
    except ValueError:
        raise TaskError(
            f'A sequence reads like "60,56,22": whole numbers and commas, not like {text.strip()!r}.'
        ) from None
