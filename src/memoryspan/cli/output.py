"""Standard output that may close."""

import os
import sys

import click


def say(text: str = "") -> None:
    """Prints a line; where the reader has gone, prints nothing, and the work goes on."""
    try:
        click.echo(text)
    except BrokenPipeError:
        silence()


def silence() -> None:
    """Sends what is still printed, or waits to be flushed, nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
