"""Standard output that may close, and Ctrl-C at any moment: what a process owes its terminal."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

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


@contextmanager
def _on_ctrl_c(handler) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def leaving_at_ctrl_c() -> AbstractContextManager[None]:
    """Ctrl-C ends the process at once, with exit code 130: for as long as there is nothing to save.

    Python's own way, an exception, gets lost where it meets an import or a callback of the garbage collector: the
    first seconds, in which JAX and Keras are imported, are full of both.
    """
    return _on_ctrl_c(_leave)


def sigint_raises() -> AbstractContextManager[None]:
    """Ctrl-C raises `KeyboardInterrupt`, for code that has something to save."""
    return _on_ctrl_c(signal.default_int_handler)


def _leave(number, frame) -> None:
    os.write(2, b"\nInterrupted.\n")
    os._exit(130)
