"""Options that several commands share, declared once."""

import json
import re
from typing import Any

import click

from memoryspan.errors import TaskError
from memoryspan.spec import Spec, parse

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON, and nothing else, on standard output."
)

seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="Same seed, same machine: same result."
)

model_file_option = click.option(
    "--model", metavar="FILE.py:NAME", help="Where the model has layers from a file of your own: that file."
)


class SpecType(click.ParamType):
    """A task or a model with its settings: `echo,length=100`, `mine.py:build`."""

    name = "name[,setting=value]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Spec:
        """Reads it; what it names is looked up later."""
        return value if isinstance(value, Spec) else parse(value)


class Count(click.ParamType):
    """A whole number, which may end in k or M: `15k`."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads it."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([kM]?)", str(value))
        if match is None:
            self.fail(f"{value!r} is not a number like 15000 or 15k.", param, ctx)
        return int(float(match[1]) * {"": 1, "k": 1000, "M": 1_000_000}[match[2]])


def sequence_option(also: str = ""):
    """--sequence; `also` is what else it may be."""
    return click.option(
        "--sequence",
        help=f'One sequence: symbols, "60,56,22", numbers, "0.1,0.2", or vectors of them, "[[0.1,1],[0.2,0]]"{also}.  '
        "[default: a fresh example]",
    )


reads_option = click.option(
    "--reads",
    type=click.Choice(["symbols", "one-hot", "numbers"]),
    help="What the sequence holds, where neither its task nor the model says so.",
)


def sequence_in(text: str) -> list:
    """The sequence that --sequence gives: numbers, separated by commas or spaces, in brackets or not; or JSON.

    JSON, where brackets stand inside brackets, gives vectors. Whole numbers stay whole.
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
    """Raises `ValueError` where it is not a list of lists of numbers."""
    sequence = json.loads(text)
    steps = sequence if isinstance(sequence, list) else []
    numbers = [number for step in steps for number in (step if isinstance(step, list) else [None])]
    if not numbers or not all(type(number) in (int, float) for number in numbers):
        raise ValueError
    return sequence


def given(ctx: click.Context) -> set[str]:
    """The options, and arguments by their names, that the person typed."""
    return {
        parameter.opts[-1]
        for parameter in ctx.command.params
        if ctx.get_parameter_source(str(parameter.name)) is click.core.ParameterSource.COMMANDLINE
    }


def task_options(command):
    """--task, and the settings by which most tasks are asked for: `task`, `length`, `features`, `out_index`."""
    for option in (
        click.option("--out-index", type=int, help="Of echo: the position to echo, counted from 0.  [default: 2]"),
        click.option("--features", type=int, help="Number of symbols.  [default: the task's own; echo's is 100]"),
        click.option("--length", type=int, help="Time steps of a sequence.  [default: the task's own; echo's is 50]"),
        click.option(
            "--task",
            type=SpecType(),
            help="What to remember: echo, copy,n_symbols=4, mine.py:MyTask.  [default: echo]",
        ),
    ):
        command = option(command)
    return command
