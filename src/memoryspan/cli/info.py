"""`memoryspan info`: describe the package and the machine, a run, a sweep, or a model."""

import json
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memoryspan.cli.options import json_option
from memoryspan.cli.output import echo
from memoryspan.cli.target import is_keras_file
from memoryspan.printable import printable
from memoryspan.sweeps.manifest import is_sweep

if TYPE_CHECKING:
    from memoryspan.runs.model_file import Opened


@click.command(
    epilog="\b\nExamples:\n  memoryspan info\n  memoryspan info runs/echo-lstm-50-001\n"
    "  memoryspan info runs/span-echo-001\n  memoryspan info my_model.keras --json",
)
@click.argument("target", required=False, metavar="[RUN|SWEEP|MODEL.keras]")
@json_option
def info(target: str | None, as_json: bool) -> None:
    """Print the tasks, models, device and versions; or describe a run, a sweep, or a .keras file.

    For a run it prints the record; for a sweep the settings and the progress, even while it is running; for a file the
    engine that runs the model, and why.
    """
    if target is None:
        facts = _package()
    elif is_keras_file(target):
        facts = _model(target)
    elif is_sweep(Path(target)):
        facts = _sweep(target)
    else:
        facts = _run(target)
    if as_json:
        echo(json.dumps(facts))
    else:
        facts.pop("missing", None)  # "for training" names it
        echo("\n".join(_lines(facts)))


def _package() -> dict:
    from memoryspan.backend import compile_cache
    from memoryspan.environment import environment
    from memoryspan.files.json import to_builtins
    from memoryspan.models import MODELS
    from memoryspan.tasks import TASKS

    return {
        "tasks": {name: _about(task) for name, task in TASKS.items()},
        "models": {name: _about(build) for name, build in MODELS.items()},
        **to_builtins(environment()),
        "recurrence": _recurrence(),
        "compile cache": str(compile_cache() or "off"),
    }


def _recurrence() -> dict:
    """Return what runs LSTM and GRU layers on this machine, and why the alternative does not."""
    from memoryspan.engine import native_target, why_not_native

    if reason := why_not_native():
        return {"engine": "unroll (JAX)", "why not native (C++)": reason}
    return {"engine": f"native (C++, {native_target()})", "why not unroll (JAX)": "it is slower; it runs other cells"}


def _run(directory: str) -> dict:
    from memoryspan.files.json import to_builtins
    from memoryspan.runs import Run

    return {"run": directory, **to_builtins(Run.load(directory).record)}


def _sweep(directory: str) -> dict:
    from memoryspan.files.json import to_builtins
    from memoryspan.report.views import SWEEP_KINDS
    from memoryspan.sweeps.sweep import pending, read_sweep

    sweep = read_sweep(directory, *SWEEP_KINDS)
    progress = {
        "trials": len(sweep.trials),
        "completed": len(sweep.completed),
        "failed": sum(found.failure is not None for found in sweep.completed),
        "pending": len(pending(sweep)),
    }
    return {"sweep": directory, **progress, "notices": list(sweep.notices), **to_builtins(sweep.manifest)}


def _model(path: str) -> dict:
    from memoryspan.engine import forward
    from memoryspan.engine.shapes import input_shape, output_shape
    from memoryspan.runs.model_file import open_file

    opened = open_file(path)
    model = opened.model
    fwd = forward(model)
    return {
        "model": path,
        "parameters": model.count_params(),
        "input": list(input_shape(model)),
        "output": list(output_shape(model)),
        "engine": fwd.engine,
        "reason": fwd.reason,
        "compiled": opened.why_uncompiled is None,
    } | _why_uncompiled(opened)


def _why_uncompiled(opened: "Opened") -> dict:
    """Return what a model that is not compiled lacks for training."""
    if opened.why_uncompiled is None:
        return {}
    missing = [part._asdict() for part in opened.missing]
    return {"for training": opened.why_uncompiled, "missing": missing}


def _shown(value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value))


def _about(kind) -> dict:
    """Return the description of a task or a model, and its settings with their defaults."""
    parameters = signature(kind).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
    return {"about": kind.__doc__.split("\n")[0], "settings": defaults}


def _settings(settings: dict) -> str:
    return printable(", ".join(f"{name}={value}" for name, value in settings.items()))


def _lines(facts: dict, indent: str = "") -> list[str]:
    """Return facts as an indented outline."""
    lines = []
    for key, value in facts.items():
        name = printable(key)
        if name == "settings" and isinstance(value, dict):
            lines.append(f"{indent}settings: {_settings(value)}")
        elif isinstance(value, dict):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {_shown(value)}")
    return lines
