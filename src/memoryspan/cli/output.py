"""Printed text, without control characters, on outputs that may close."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def unless_unwritable(what: str, place: str | Path) -> Iterator[None]:
    """Print a notice where `what` cannot be written to `place` in the block: what was asked for is printed anyway."""
    try:
        yield
    except OSError as error:
        echo(f"{what} could not be written to {place}: {error.strerror or error}.", err=True)


def connect_closed_streams() -> None:
    """Send what is printed on a closed standard stream nowhere, before a file that is opened takes its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def silence() -> None:
    """Discard all further output, and what is not flushed yet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
