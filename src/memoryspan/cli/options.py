"""Options that several commands share, declared once."""

from collections.abc import Callable
from typing import Any

import click

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON, and nothing else, on standard output."
)

seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="Same seed, same machine: same result."
)


def task_options(defaults: bool) -> Callable[[Any], Any]:
    """--task and its settings; without `defaults` what is not given stays None, for a run that has its own."""

    def value(number: int) -> int | None:
        return number if defaults else None

    def decorate(command):
        for option in (
            click.option(
                "--out-index",
                type=int,
                default=value(2),
                show_default=defaults,
                help="Position to echo, counted from 0.",
            ),
            click.option("--features", type=int, default=value(100), show_default=defaults, help="Number of symbols."),
            click.option(
                "--length", type=int, default=value(50), show_default=defaults, help="Time steps of a sequence."
            ),
            click.option(
                "--task", default="echo" if defaults else None, show_default=defaults, help="What to remember."
            ),
        ):
            command = option(command)
        return command

    return decorate
