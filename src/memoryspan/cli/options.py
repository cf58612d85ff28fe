"""Options that several commands share, declared once."""

import json
import re
from collections.abc import Iterable
from typing import Any

import click

from memoryspan.errors import TaskError
from memoryspan.spec import Spec, parse
from memoryspan.validate import shown, whole_number

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON, and nothing else, on standard output."
)

quiet_option = click.option(
    "-q", "--quiet", "quiet", is_flag=True, help="Print no progress while it runs, only the result."
)

seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="The same seed gives the same result on the same machine."
)


class SpecType(click.ParamType):
    """A task or a model with its settings: `echo,length=100`, `mine.py:build`."""

    name = "name[,setting=value]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Spec:
        """Return the task or model as a `Spec`, whose name is looked up later."""
        return value if isinstance(value, Spec) else parse(value)


model_file_option = click.option(
    "--model", type=SpecType(), metavar="FILE.py:NAME", help="Your own file, if the model has layers from it."
)


class Count(click.ParamType):
    """A whole number, which may end in k or M: `15k`."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        match = re.fullmatch(r"(\d{1,40}(?:\.\d{1,40})?)([kM]?)", str(value))
        if match is None:
            self.fail(f"{shown(value)} is not a number like 15000 or 15k.", param, ctx)
        return int(float(match[1]) * {"": 1, "k": 1000, "M": 1_000_000}[match[2]])


def bounded(ctx: click.Context, param: click.Parameter, value: int | None) -> int | None:
    """Return the value of an option that counts something; raise `SettingError` where it is out of its bounds."""
    if value is not None:
        whole_number(str(param.name), value, at_least=1, instead="5, for example")
    return value


OTHER_NAMES = {"features": "n_features"}
"""Options that are not called as their setting is in Python."""


def in_options(text: str, command: click.Command) -> str:
    """Return a sentence on settings, `length=50`, with the options of a command in their place, `--length 50`."""
    options = {OTHER_NAMES.get(str(each.name), str(each.name)): each.opts[-1] for each in command.params}

    def option(match: re.Match) -> str:
        name, sign = match.groups()
        return match[0] if name not in options else f"{options[name]}{' ' if sign == '=' else sign}"

    return re.sub(r"(?<![\w,(-])(\w+)(=(?=[^\s,])| must )", option, text)


def sequence_option(also: str = ""):
    """Return the option --sequence; `also` describes its other values."""
    return click.option(
        "--sequence",
        help=f'One sequence: symbols "60,56,22", numbers "0.1,0.2", or vectors "[[0.1,1],[0.2,0]]"{also}.  '
        "[default: a fresh example]",
    )


FRESH_EXAMPLE = frozenset({"--length", "--out-index", "--seed"})
"""The options that say what a fresh example is, and mean nothing beside --sequence."""

reads_option = click.option(
    "--reads",
    type=click.Choice(["symbols", "one-hot", "numbers"]),
    help="What the sequence holds, if neither the task nor the model decides it.",
)


def sequence_in(text: str) -> list:
    """Return the sequence of a --sequence: numbers separated by commas or spaces, in brackets or not; or JSON.

    Nested brackets are JSON and give vectors. Whole numbers stay integers.
    """
    text = text.strip()
    try:
        if "[" in text[1:]:
            return _vectors_in(text)
        words = text.removeprefix("[").removesuffix("]").replace(",", " ").split()
        return [int(word) if re.fullmatch(r"[+-]?\d+", word) else float(word) for word in words]
    except ValueError:
        raise TaskError(
            f'A sequence reads like "60,56,22", "0.1,0.2" or "[[0.1,1],[0.2,0]]": numbers, commas, not like {text!r}.'
        ) from None


def _vectors_in(text: str) -> list:
    """Return a list of lists of numbers; raises `ValueError` if the text is something else."""
    sequence = json.loads(text)
    steps = sequence if isinstance(sequence, list) else []
    numbers = [number for step in steps for number in (step if isinstance(step, list) else [None])]
    if not numbers or not all(type(number) in (int, float) for number in numbers):
        raise ValueError
    return sequence


def explicit_parameters(ctx: click.Context) -> set[str]:
    """Return the names of the parameters that were typed, and do not have their defaults."""
    source = click.core.ParameterSource.COMMANDLINE
    return {name for name in ctx.params if ctx.get_parameter_source(name) is source}


def explicit_options(ctx: click.Context) -> set[str]:
    """Return the options, and the arguments by their names, that were typed."""
    return {parameter.opts[-1] for parameter in ctx.command.params if parameter.name in explicit_parameters(ctx)}


def refuse(ctx: click.Context, options: Iterable[str], reason: str) -> None:
    """Raise `UsageError`, with the reason, if any of these options was typed."""
    if unused := sorted(explicit_options(ctx) & set(options)):
        raise click.UsageError(f"{reason}: leave {', '.join(unused)}.", ctx)


def refuse_all_but(ctx: click.Context, options: Iterable[str], reason: str) -> None:
    """Raise `UsageError`, with the reason, if another option was typed than these."""
    refuse(ctx, explicit_options(ctx) - set(options), reason)


def task_options(command):
    """Add --task, --length, --features and --out-index to a command."""
    for option in (
        click.option("--out-index", type=int, help="For echo: the position to echo, counted from 0.  [default: 2]"),
        click.option("--features", type=int, help="Number of symbols.  [default: the task's own; echo's is 100]"),
        click.option("--length", type=int, help="Time steps of a sequence.  [default: the task's own; echo's is 50]"),
        click.option(
            "--task",
            type=SpecType(),
            help="The task: echo, copy,n_symbols=4, mine.py:MyTask.  [default: echo]",
        ),
    ):
        command = option(command)
    return command


def sweep_options(command):
    """Add --dir, --retry-failed, --workers, --executor and --quiet to a command that runs a sweep."""
    for option in (
        quiet_option,
        click.option("--executor", help="Run on Dask: dask, or the address of a scheduler, like tcp://host:8786."),
        click.option("--workers", type=int, callback=bounded, help="The number of processes.  [default: one per core]"),
        click.option("--retry-failed", is_flag=True, help="Run failed trials again, too."),
        click.option(
            "--dir",
            "directory",
            type=click.Path(),
            help="The directory of the sweep, to resume or extend, or a new one.  [default: a new one in runs/]",
        ),
    ):
        command = option(command)
    return command
