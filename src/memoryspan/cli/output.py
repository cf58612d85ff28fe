"""What is printed: text in which nothing commands the terminal, on outputs that may close."""

import os
import sys

import click

from memoryspan.printable import printable_lines


def echo(text: str = "", *, err: bool = False, nl: bool = True, **style) -> None:
    """Print text in a style of `click.style`, without the control characters in it."""
    click.secho(printable_lines(text), err=err, nl=nl, **style)


def say(text: str = "", **style) -> None:
    """Print a line; where the reader has gone, print nothing, and continue."""
    try:
        echo(text, **style)
    except BrokenPipeError:
        silence()


def silence() -> None:
    """Sends what is still printed, or waits to be flushed, nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
