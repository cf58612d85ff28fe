"""`memoryspan info`: describe the package and the machine, a run, a sweep, or a model."""

import json
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from memoryspan.accuracy import Accuracy
from memoryspan.cli.options import json_option
from memoryspan.cli.output import echo
from memoryspan.cli.target import is_keras_file
from memoryspan.printable import printable
from memoryspan.spec import Spec
from memoryspan.sweeps.manifest import is_sweep

if TYPE_CHECKING:
    from memoryspan.accuracy import AccuracyRecord
    from memoryspan.runs.model_file import Opened
    from memoryspan.runs.record import Results


@click.command(
    epilog="\b\nExamples:\n  memoryspan info\n  memoryspan info runs/echo-lstm-50-001\n"
    "  memoryspan info runs/span-echo-001\n  memoryspan info my_model.keras --json",
)
@click.argument("target", required=False, metavar="[RUN|SWEEP|MODEL.keras]")
@json_option
def info(target: str | None, as_json: bool) -> None:
    """Print the tasks, models, device and versions; or describe a run, a sweep, or a .keras file.

    For a run it prints what was trained on what, where and how well, and with --json the whole record; for a sweep the
    settings and the progress, even while it is running; for a file the engine that runs the model, and why.
    """
    if target is None:
        facts = _package()
    elif is_keras_file(target):
        facts = _model(target)
    elif is_sweep(Path(target)):
        facts = _sweep(target)
    else:
        facts = _run(target) if as_json else _run_in_short(target)
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


def _run_in_short(directory: str) -> dict:
    """Return the lines of a run that most people want; its record has more."""
    from memoryspan.runs import Run

    record = Run.load(directory).record
    config, resolved, results, machine = record.config, record.resolved, record.results, record.environment
    facts = {"run": directory, "status": record.status}
    if results is not None:
        facts |= {"accuracy": _accuracy(results.accuracy), "effort": _effort(results)}
    facts |= {
        "task": _typed(config.task),
        "model": f"{_typed(config.model)} ({resolved.parameters:,} parameters)",
        "training": _training(config.training),
        "engine": f"{resolved.engine} ({resolved.reason})",
        "machine": machine.device,
        "packages": ", ".join(f"{name} {version}" for name, version in machine.packages.items()),
        "commit": machine.commit,
        "created": f"{record.created:%Y-%m-%d %H:%M} UTC, by memoryspan {record.memoryspan}",
    }
    return facts


def _training(settings: dict) -> str:
    """Return the settings of a training in a line, those of its schedule of lengths left out."""
    limits = {f"budget of {name}": limit for name, limit in settings["budget"].items() if limit is not None}
    own = {name: value for name, value in settings.items() if not isinstance(value, dict)} | limits
    return ", ".join([settings["curriculum"]["kind"], *(f"{name} {_shown(value)}" for name, value in own.items())])


def _accuracy(record: "AccuracyRecord | None") -> str:
    if record is None:
        return "not measured"
    return str(Accuracy(record.n_correct, record.examples, record.length, record.chance))


def _effort(results: "Results") -> str:
    skipped = f" ({results.skipped:,} skipped)" if results.skipped else ""
    return (
        f"{results.updates:,} updates{skipped}, {results.examples:,} examples, {results.tokens:,} tokens, "
        f"{results.seconds:.2f} s of training"
    )


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
    """Return a value in a line: a list by its items, a task or a model as it is typed, a number shortened."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict):
        return _typed(msgspec.convert(value, Spec)) if "name" in value else printable(str(value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def _typed(spec: Spec) -> str:
    """Return a task or a model as it is typed, without the settings that are None."""
    return printable(str(Spec(spec.name).with_settings(**spec.settings)))


def _about(kind) -> dict:
    """Return the description of a task or a model, and its settings with their defaults."""
    parameters = signature(kind).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
    return {"about": kind.__doc__.split("\n")[0], "settings": defaults}


def _settings(settings: dict) -> str:
    return printable(", ".join(f"{name}={value}" for name, value in settings.items()))


def _lines(facts: dict, indent: str = "") -> list[str]:
    """Return facts as an indented outline, without those that are None or empty."""
    lines = []
    for key, value in facts.items():
        if value is None or value == []:
            continue
        name = printable(key)
        if name == "settings" and isinstance(value, dict):
            lines.append(f"{indent}settings: {_settings(value)}")
        elif isinstance(value, dict):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {_shown(value)}")
    return lines
