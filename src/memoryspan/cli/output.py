"""Printed text, without control characters, on outputs that may close."""

import os
import sys

import click

from memoryspan.printable import printable_lines


def echo(text: str = "", *, err: bool = False, nl: bool = True, **style) -> None:
    """Print text in a style of `click.style`, without the control characters in it."""
    click.secho(printable_lines(text), err=err, nl=nl, **style)


def say(text: str = "", **style) -> None:
    """Print a line, or nothing once the reader has closed standard output: the command continues."""
    try:
        echo(text, **style)
    except BrokenPipeError:
        silence()


def silence() -> None:
    """Discard all further output, and what is not flushed yet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
