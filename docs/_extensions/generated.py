"""What the registries and the command line know, as Markdown in place of a comment of a page: `<!-- commands -->`."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator

import click


def setup(app):
    """Registers the filler of pages."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _fill(app, page: str, source: list[str]) -> None:
    for name, write in WRITERS.items():
        mark = f"<!-- {name} -->"
        if mark in source[0]:
            source[0] = source[0].replace(mark, "\n".join(write()))


def commands() -> Iterator[str]:
    """Each command with its usage, options and examples, as its `--help` has them."""
    from memoryspan.cli.main import cli

    group = click.Context(cli, info_name="memoryspan", **cli.context_settings)
    yield from _command(cli, group, "memoryspan")
    for name in cli.list_commands(group):
        command = cli.get_command(group, name)
        assert command is not None
        yield from _command(command, click.Context(command, info_name=name, parent=group), f"memoryspan {name}")


def _command(command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    yield from (f"## `{name}`", "", inspect.cleandoc(command.help or ""), "")
    yield from _fenced("text", command.get_usage(context).removeprefix("Usage: "))
    yield from (f":::{{program}} {name}", ":::", "")
    for parameter in command.get_params(context):
        if record := parameter.get_help_record(context):
            option, about = record
            yield from (f":::{{option}} {option}", _literally(about), ":::", "")
    if command.epilog:
        yield from _fenced("sh", inspect.cleandoc(command.epilog.removeprefix("\b\nExamples:\n")))


def tasks() -> Iterator[str]:
    """Each task with what it asks, its settings and what follows from them."""
    from memoryspan.tasks import TASKS

    for name, kind in TASKS.items():
        yield from (f"## `{name}`", "", _source(kind), "", _about(kind), "")
        yield from _table({"settings": _settings(kind), **_facts(kind())})


def _facts(task) -> dict[str, str]:
    """Of a task with its default settings."""
    import jax

    batch = jax.eval_shape(lambda key: task.sample(key, 1, task.length), jax.random.key(0))
    steps = f"{task.n_features} symbols, one a step" if batch.inputs.ndim == 2 else f"{task.n_features} numbers a step"
    answers = "a number" if task.n_outputs == 1 else f"one of {task.n_outputs} classes"
    return {
        "input": steps,
        "answer": f"{answers}, {'at every step at which it is asked for' if task.return_sequences else 'once'}",
        "lag": f"{task.lag(task.length):,} steps",
        "shortest length": f"{task.min_length} steps",
        "chance": f"{100 * task.chance:.2g} %",
        "loss": f"`{task.loss}`",
    }


def models() -> Iterator[str]:
    """Each model with what it is, its settings, and what they make of it on `echo`."""
    from memoryspan.engine import forward
    from memoryspan.models import MODELS
    from memoryspan.tasks import Echo

    for name, build in MODELS.items():
        model = build(Echo(), seed=0)
        facts = {
            "settings": _settings(build),
            "parameters on `echo`": f"{model.count_params():,}",
            "runs": "through `unroll`" if forward(model).engine == "unroll" else "through Keras",
        }
        yield from (f"## `{name}`", "", _source(build), "", _about(build), "", *_table(facts))


def _about(thing: Callable) -> str:
    """Its docstring, up to where it speaks of errors; its arguments as a list."""
    text = re.split(r"\n\s*Raises:", inspect.getdoc(thing) or "")[0]
    about, _, arguments = text.partition("\nArgs:\n")
    return f"{about}\n{re.sub(_ARGUMENT, _item, inspect.cleandoc(arguments))}"


_ARGUMENT = re.compile(r"^(\w+): ", re.MULTILINE)


def _item(match: re.Match) -> str:
    return f"- `{match[1]}`: "


def _source(thing: Callable) -> str:
    """The docstring of the module, which says where it comes from."""
    return inspect.cleandoc(sys.modules[thing.__module__].__doc__ or "")


def _settings(thing: Callable) -> str:
    parameters = inspect.signature(thing).parameters.values()
    return ", ".join(f"`{each.name}={each.default}`" for each in parameters if each.default is not each.empty)


def _table(facts: dict[str, str]) -> Iterator[str]:
    from memoryspan.tables import TextTable, markdown_table

    yield from (markdown_table(TextTable(["", "by default"], 2, list(facts.items()))), "")


def _fenced(language: str, text: str) -> Iterator[str]:
    yield from (f"```{language}", text, "```", "")


def _literally(text: str) -> str:
    """Text in which Markdown finds nothing to mark, but for options, which are code."""
    return re.sub(r"(?<!\w)(--[a-z][a-z-]*)", r"`\1`", re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text))


WRITERS = {"commands": commands, "tasks": tasks, "models": models}
