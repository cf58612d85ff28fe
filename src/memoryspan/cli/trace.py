"""`memoryspan trace`: what a model does at every step of a sequence, as a picture or as numbers."""

import io
import json
import math
from pathlib import Path

import click

from memoryspan.cli.options import NamedType, json_option, model_file_option, seed_option
from memoryspan.cli.output import say

ENDINGS = (".png", ".svg", ".npz", ".json")


@click.command(
    epilog="\b\nExamples:\n  memoryspan trace runs/echo-lstm-50-001\n"
    '  memoryspan trace runs/echo-lstm-50-001 --sequence "60,56,22,44,1" -o five.svg\n'
    "  memoryspan trace my.keras -o trace.npz",
)
@click.argument("run", metavar="RUN|MODEL.keras")
@click.option("--sequence", help='Symbols, like "60,56,22".  [default: a fresh example]')
@click.option(
    "--task", type=NamedType(), help="Where the run's task is from a file of your own: that file, mine.py:MyTask."
)
@model_file_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="The file to write: a picture, .png or .svg; the arrays, .npz or .json.  [default: trace.png in the run, "
    "for a file in the working directory; none with --json]",
)
@seed_option
@json_option
def trace(run, sequence, task, model, output, seed, as_json) -> None:
    """Show gates and states of every recurrent layer at every step, the answer at every step, and where it comes from.

    Works on any .keras file with an LSTM, GRU or SimpleRNN. Where the answer comes from is the size of its gradient
    with respect to the input at each step. A file that is already there is replaced only if it is a trace.
    """
    path = _where(run, output, as_json)
    opened, *example = _opened(run, sequence, task, model, seed)
    facts, found, slopes = _traced(opened, *example)
    if path is not None:
        _write(path, facts, found, slopes)
    if as_json:
        say(json.dumps(_plain(facts, found, slopes)))
        return
    from memoryspan.cli.fresh import show

    show(facts["sequence"], facts.get("expected"), facts["predicted"])
    if found.reason:
        say(f"There is no answer at every step: {found.reason}.")
    if slopes is None:
        say("Where the answer comes from is not known: this model reads tokens, which have no gradient.")
    say(f"The trace is in {path}.")


def _where(run: str, output: str | None, as_json: bool) -> Path | None:
    """The file to write, if any; raises `UsageError` where it is no kind of trace, or would replace something else."""
    if output is None and as_json:
        return None
    path = Path(output) if output else _default(run)
    if path.suffix not in ENDINGS:
        raise click.UsageError(f"A trace is written as {', '.join(ENDINGS)}, and {path} ends in none of them.")
    if path.exists() and not _is_trace(path):
        raise click.UsageError(f"{path} is there already, and is not a trace: remove it, or give another -o.")
    if not path.parent.is_dir():
        raise click.UsageError(f"There is no directory {path.parent}: make it, or give another -o.")
    return path


def _default(run: str) -> Path:
    from memoryspan.report.trace import FILE

    return Path(run if Path(run).is_dir() else ".") / FILE


def _is_trace(path: Path) -> bool:
    from memoryspan.report.trace import SOURCE

    return path.is_file() and SOURCE.encode() in path.read_bytes()


def _opened(run: str, sequence: str | None, task, made_by: str | None, seed: int):
    """The model, the sequence, the right answer, if that is known, and the steps at which it is asked for."""
    from memoryspan.cli.target import open_model, open_target

    if sequence is not None:
        from memoryspan.cli.predict import _symbols

        symbols = _symbols(sequence)
        return open_model(run, task, made_by), symbols, None, None
    from memoryspan.cli.fresh import fresh_examples

    opened, chosen = open_target(run, task, made_by=made_by)
    (fresh,), (expected,), (asked,) = fresh_examples(chosen, seed)
    return opened, fresh, expected, asked


def _traced(model, sequence, expected: object, asked):
    """What is said of the sequence, the trace, and the saliency or None."""
    import numpy as np

    from memoryspan.cli.fresh import answers_asked
    from memoryspan.errors import ModelError
    from memoryspan.prediction import predict
    from memoryspan.tracing import saliency, trace

    found = trace(model, [sequence])
    (answer,) = predict(model, [sequence])
    try:
        slopes = saliency(model, [sequence])
    except ModelError:
        slopes = None
    predicted = answer.tolist() if asked is None else answers_asked(answer, asked)
    facts = {"sequence": np.asarray(sequence).tolist(), "expected": expected, "predicted": predicted}
    return {name: value for name, value in facts.items() if value is not None}, found, slopes


def _write(path: Path, facts: dict, found, slopes) -> None:
    """The picture or the arrays, as the name of the file ends."""
    from memoryspan.runs import atomic

    if path.suffix in (".png", ".svg"):
        from memoryspan.report.trace import draw_trace

        draw_trace(found, path, saliency=slopes, title=_title(facts))
    elif path.suffix == ".npz":
        atomic.write(path, _npz(facts, found, slopes))
    else:
        atomic.write(path, json.dumps(_plain(facts, found, slopes)).encode())


def _title(facts: dict) -> str:
    return ", ".join(f"{name}: {facts[name]}" for name in ("expected", "predicted") if not _is_long(facts.get(name)))


def _is_long(answer: object) -> bool:
    return answer is None or (isinstance(answer, list) and len(answer) > 10)


def _npz(facts: dict, found, slopes) -> bytes:
    import numpy as np

    from memoryspan.report.trace import SOURCE
    from memoryspan.tracing import named_arrays

    arrays = {**named_arrays(found), "sequence": found.inputs[0], "made_by": np.bytes_(SOURCE.encode())}
    arrays |= {} if slopes is None else {"saliency": slopes}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _plain(facts: dict, found, slopes) -> dict:
    """Everything as JSON has it, of one sequence: what is not a number is null."""
    from memoryspan.report.trace import SOURCE

    layers = [
        {
            "name": layer.name,
            "kind": layer.kind,
            "arrays": {name: _listed(array[0]) for name, array in layer.arrays.items()},
        }
        for layer in found.layers
    ]
    return {
        "made_by": SOURCE,
        **facts,
        "layers": layers,
        "predictions": None if found.predictions is None else _listed(found.predictions[0]),
        "saliency": None if slopes is None else _listed(slopes[0]),
        **({"reason": found.reason} if found.reason else {}),
    }


def _listed(array) -> list:
    """The numbers of an array of two dimensions or one; null for those that are not finite."""
    if array.ndim > 1:
        return [_listed(one) for one in array]
    return [value if math.isfinite(value) else None for value in array.tolist()]
