"""SIGINT, which Ctrl-C sends: deferred, immediate, raised, or the end of the process.

Python raises `KeyboardInterrupt` at whatever it is running. Inside a callback of the garbage collector, and JAX has
one, the exception is printed and lost.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext


@contextmanager
def defer_sigint() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed in the block; a second one raises `KeyboardInterrupt`.

    Outside the main thread, and where Ctrl-C is ignored, nothing changes.
    """
    pressed = False

    def note(before: Callable[[], object]) -> None:
        nonlocal pressed
        if pressed:
            before()
        pressed = True

    with _chained(note):
        yield lambda: pressed


@contextmanager
def immediate_sigint() -> Iterator[None]:
    """Count the first Ctrl-C in the block as two: for a long computation that leaves nothing half done.

    One that is lost in a callback of the garbage collector is raised at the end of the block, and not printed before.
    """
    pressed, report = False, sys.unraisablehook

    def report_all_but_sigint(unraisable: "sys.UnraisableHookArgs") -> None:
        if unraisable.exc_type is not KeyboardInterrupt:
            report(unraisable)

    def count_as_two(before: Callable[[], object]) -> None:
        nonlocal pressed
        pressed = True
        sys.unraisablehook = report_all_but_sigint
        before()
        before()

    try:
        with _chained(count_as_two):
            yield
            if pressed:
                raise KeyboardInterrupt
    finally:
        if pressed:
            sys.unraisablehook = report


def sigint_raises() -> AbstractContextManager[None]:
    """Raise `KeyboardInterrupt` at Ctrl-C in the block, which has something to save."""
    return _handled_by(signal.default_int_handler)


def exit_at_sigint() -> AbstractContextManager[None]:
    """End the process at Ctrl-C in the block, with exit code 130 and nothing saved.

    An exception may get lost in an import or in a callback of the garbage collector, and the first seconds, in which
    JAX and Keras are imported, are full of both.
    """
    return _handled_by(_exit)


def _exit(number, frame) -> None:
    os.write(2, b"\nInterrupted.\n")
    os._exit(130)


def _chained(handler: Callable[[Callable[[], object]], None]) -> AbstractContextManager[None]:
    """Call `handler` at Ctrl-C in the block, with what Ctrl-C did before; where it is ignored, it stays so."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        return nullcontext()
    return _handled_by(lambda number, frame: handler(lambda: before(number, frame)))


@contextmanager
def _handled_by(handler) -> Iterator[None]:
    """Set the handler of SIGINT in the block; outside the main thread, which alone may, nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, handler)
        yield
    finally:
        try:
            signal.signal(signal.SIGINT, before)
        except KeyboardInterrupt:  # a pending one is raised first, and nothing set
            signal.signal(signal.SIGINT, before)
            raise
