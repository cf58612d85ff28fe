"""Ctrl-C that is heard for certain, and interrupts nothing half way.

Python raises `KeyboardInterrupt` wherever it happens to be. Where that is a callback of the garbage collector, and JAX
has one, it prints the exception and goes on as if nobody had pressed a key.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def first_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Tells whether Ctrl-C was pressed in the block; from the second time on it raises `KeyboardInterrupt` as ever.

    Outside the main thread, and where Ctrl-C is ignored, everything stays as it is.
    """
    before, pressed = signal.getsignal(signal.SIGINT), False

    def handle(number, frame):
        nonlocal pressed
        if pressed and callable(before):
            before(number, frame)
        pressed = True

    ours = callable(before) and threading.current_thread() is threading.main_thread()
    if ours:
        signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: pressed
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)


@contextmanager
def ctrl_c_at_once() -> Iterator[None]:
    """In the block the first Ctrl-C counts as two: for what takes long and leaves nothing half done, as a look does.

    One that a garbage collector's callback has swallowed is raised at the end of the block.
    """
    before, pressed = signal.getsignal(signal.SIGINT), False

    def handle(number, frame):
        nonlocal pressed
        pressed = True
        if callable(before):
            before(number, frame)
            before(number, frame)

    ours = callable(before) and threading.current_thread() is threading.main_thread()
    if ours:
        signal.signal(signal.SIGINT, handle)
    try:
        yield
        if pressed:
            raise KeyboardInterrupt
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
