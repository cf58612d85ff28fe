"""`memoryspan trace`: what a model does at every step of a sequence, as a picture or as numbers."""

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
from memoryspan.cli.output import say
from memoryspan.files.atomic import as_run_error

if TYPE_CHECKING:
    import numpy as np

    from memoryspan.backend import keras
    from memoryspan.inference.reading import Reads
    from memoryspan.inference.trace import Trace
    from memoryspan.report.figures.answers import Expectation
    from memoryspan.tasks import Batch, Task

ENDINGS = (".png", ".svg", ".npz", ".json")


@click.command(
    epilog="\b\nExamples:\n  memoryspan trace runs/echo-lstm-50-001\n"
    '  memoryspan trace runs/echo-lstm-50-001 --sequence "60,56,22,44,1" -o five.svg\n'
    "  memoryspan trace my.keras -o trace.npz",
)
@click.argument("run", metavar="RUN|MODEL.keras")
@sequence_option()
@task_options
@reads_option
@model_file_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="The file to write: a picture (.png, .svg) or the arrays (.npz, .json).  [default: trace.png in the run, or "
    "in the working directory for a .keras file; none with --json]",
)
@seed_option
@json_option
@click.pass_context
def trace(ctx, run, sequence, task, length, features, out_index, reads, model, output, seed, as_json) -> None:
    """Draw gates, states and the answer at every step, and where the answer comes from.

    Works on runs and on any .keras file with an LSTM, GRU or SimpleRNN. Where the answer comes from is the size of its
    gradient with respect to the input at each step. If a model answers at every step, it is the gradient of the last
    expected answer. An existing file is replaced only if it is a trace.
    """
    if sequence is not None:
        refuse(ctx, FRESH_EXAMPLE, "A sequence is traced as it is")
    path = _where(run, output, as_json)
    seen = _seen(*_opened(run, sequence, (task, length, features, out_index, model), seed), reads)
    if as_json:
        say(json.dumps(_plain(seen)))
    else:
        _show(seen)
    if path is not None:
        with as_run_error(path.parent, "Make room there, or give another -o."):
            _write(path, seen, Path(run).resolve().name)
        if not as_json:
            say(f"The trace is in {path}.")


def _show(seen: "Seen") -> None:
    from memoryspan.cli.fresh import show

    show(seen.facts["sequence"], seen.facts.get("expected"), seen.facts["predicted"])
    if seen.trace.reason:
        say(f"There is no answer at every step: {seen.trace.reason}.")
    if seen.saliency is None:
        say("Where the answer comes from is not known: this model reads symbols, which have no gradient.")


@dataclass(frozen=True)
class Seen:
    """The trace of one sequence, and what else is known about it."""

    facts: dict
    """The sequence and the answers; if the task is known, also the steps with an answer and the expected answers."""
    trace: "Trace"
    saliency: "np.ndarray | None"
    """None for a model that reads symbols, which have no gradient."""
    return_sequences: bool
    expectation: "Expectation | None"
    """None for a sequence without a task."""


def _where(run: str, output: str | None, as_json: bool) -> Path | None:
    """Return the file to write, if any; raises `UsageError` for another ending, or another file of that name."""
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
    from memoryspan.report.figures.trace import FILE

    return Path(run if Path(run).is_dir() else ".") / FILE


def _is_trace(path: Path) -> bool:
    from memoryspan.report.figures.trace import SOURCE

    return path.is_file() and SOURCE.encode() in path.read_bytes()


def _opened(run: str, sequence: str | None, asked: tuple, seed: int):
    """Return the model, the sequence, its task if that is known, and the batch if the sequence is a fresh example."""
    from memoryspan.cli.target import open_reader, open_target

    task, length, features, out_index, model = asked
    if sequence is not None:
        one = sequence_in(sequence)
        opened, chosen = open_reader(run, task, features, model)
        return opened, one, chosen, None
    import numpy as np

    from memoryspan.cli.fresh import fresh_batch

    opened, chosen = open_target(run, task, length, features, out_index, model)
    batch = fresh_batch(chosen, seed)
    return opened, np.asarray(batch.inputs)[0], chosen, batch


def _seen(model: "keras.Model", sequence, task: "Task | None", batch: "Batch | None", reads: "Reads | None") -> Seen:
    import numpy as np

    from memoryspan.cli.fresh import as_one, output_for
    from memoryspan.engine.shapes import output_shape
    from memoryspan.errors import ModelError
    from memoryspan.inference.predict import decode_output
    from memoryspan.inference.trace import saliency, trace
    from memoryspan.report.figures.answers import expectation_of

    found = trace(model, as_one(sequence), task=task, reads=reads)
    output = output_for(model, sequence, task, reads)
    answer = decode_output(output, found.of_classes)
    return_sequences = len(output_shape(model)) == 3
    facts = {"sequence": np.asarray(sequence).tolist()}
    expectation = None
    if task is not None and batch is not None:
        expectation = expectation_of(task, batch, output)
        facts |= _asked(batch, answer, expectation)
    else:
        facts["predicted"] = answer.tolist()
    step = int(expectation.steps[-1]) if expectation and return_sequences else None
    try:
        slopes = saliency(model, as_one(sequence), step, task=task, reads=reads)
    except ModelError:
        slopes = None
    return Seen(facts, found, slopes, return_sequences, expectation)


def _asked(batch: "Batch", answer, expectation: "Expectation") -> dict:
    """Return the expected and the predicted answers, and their steps if the task has several."""
    import numpy as np

    from memoryspan.cli.fresh import answers_asked, where_asked

    targets, asked = (np.asarray(part)[0] for part in (batch.targets, batch.target_mask))
    steps = {"asked": expectation.steps.tolist()} if asked.ndim else {}
    return {**steps, "expected": where_asked(targets, asked), "predicted": answers_asked(answer, asked)}


def _write(path: Path, seen: Seen, name: str) -> None:
    """Write the picture or the arrays, depending on the ending of the name."""
    from memoryspan.files import atomic

    if path.suffix in (".png", ".svg"):
        from memoryspan.report.figures.trace import draw_trace

        draw_trace(
            seen.trace,
            path,
            return_sequences=seen.return_sequences,
            expectation=seen.expectation,
            saliency=seen.saliency,
            title=_title(name, seen),
        )
    elif path.suffix == ".npz":
        atomic.write(path, _npz(seen))
    else:
        atomic.write(path, json.dumps(_plain(seen)).encode())


def _title(name: str, seen: Seen) -> str:
    """Return the model's name, its answer, and whether that is right, if known."""
    if seen.expectation is None:
        answer = seen.facts["predicted"]
        return name if isinstance(answer, list) else f"{name}: answered {answer}"
    right = seen.expectation.correct[seen.expectation.steps]
    if seen.return_sequences:
        return f"{name}: {right.sum():,} of {len(right):,} answers right"
    expected, predicted = seen.facts["expected"], seen.facts["predicted"]
    verdict = "right" if right[0] else "wrong"
    if isinstance(expected, list):
        return f"{name}: answered {len(expected):,} numbers, which are {verdict}"
    return f"{name}: expected {expected}, answered {predicted}, which is {verdict}"


def _npz(seen: Seen) -> bytes:
    import numpy as np

    from memoryspan.inference.trace import named_arrays
    from memoryspan.report.figures.trace import SOURCE

    arrays = {**named_arrays(seen.trace), "sequence": seen.trace.inputs[0], "made_by": np.bytes_(SOURCE.encode())}
    arrays |= {} if seen.saliency is None else {"saliency": seen.saliency}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _plain(seen: Seen) -> dict:
    """Return everything as JSON, with null for a number that is not finite."""
    from memoryspan.report.figures.trace import SOURCE

    found = seen.trace
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
        **seen.facts,
        "layers": layers,
        "predictions": None if found.predictions is None else _listed(found.predictions[0]),
        "saliency": None if seen.saliency is None else _listed(seen.saliency[0]),
        **({"reason": found.reason} if found.reason else {}),
    }


def _listed(array) -> list:
    """Return the numbers of an array as lists, with None for those that are not finite."""
    if array.ndim > 1:
        return [_listed(one) for one in array]
    return [value if math.isfinite(value) else None for value in array.tolist()]
