"""Ctrl-C that is heard for certain, and interrupts nothing half way.

Python raises `KeyboardInterrupt` wherever it happens to be. Where that is a callback of the garbage collector, and JAX
has one, it prints the exception and goes on as if nobody had pressed a key.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def defer_sigint() -> Iterator[Callable[[], bool]]:
    """Tells whether Ctrl-C was pressed in the block; from the second time on it raises `KeyboardInterrupt` as ever.

    Outside the main thread, and where Ctrl-C is ignored, everything stays as it is.
    """
    pressed = False

    def note(as_ever: Callable[[], object]) -> None:
        nonlocal pressed
        if pressed:
            as_ever()
        pressed = True

    with _answered_by(note):
        yield lambda: pressed


@contextmanager
def immediate_sigint() -> Iterator[None]:
    """In the block the first Ctrl-C counts as two: for what takes long and leaves nothing half done, as a look does.

    One that a garbage collector's callback has swallowed is raised at the end of the block, and not reported before.
    """
    pressed, report = False, sys.unraisablehook

    def report_all_but_ctrl_c(unraisable: "sys.UnraisableHookArgs") -> None:
        if unraisable.exc_type is not KeyboardInterrupt:
            report(unraisable)

    def count_as_two(as_ever: Callable[[], object]) -> None:
        nonlocal pressed
        pressed = True
        sys.unraisablehook = report_all_but_ctrl_c
        as_ever()
        as_ever()

    try:
        with _answered_by(count_as_two):
            yield
            if pressed:
                raise KeyboardInterrupt
    finally:
        if pressed:
            sys.unraisablehook = report


@contextmanager
def _answered_by(answer: Callable[[Callable[[], object]], None]) -> Iterator[None]:
    """In the block Ctrl-C calls `answer` with what it did before."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        signal.signal(signal.SIGINT, lambda number, frame: answer(lambda: before(number, frame)))
        yield
    finally:
        try:
            signal.signal(signal.SIGINT, before)
        except KeyboardInterrupt:  # pressed just now: that is answered first, and nothing set
            signal.signal(signal.SIGINT, before)
            raise
