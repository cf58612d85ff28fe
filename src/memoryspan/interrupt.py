"""The signals that end a process, SIGINT (Ctrl-C), SIGTERM and SIGHUP: deferred, raised, waited for, or the end.

Python raises `KeyboardInterrupt` in whatever it is running. Inside a callback of the garbage collector, and JAX has
one, the exception is printed and lost. So the first signal of a training only sets a flag, and the exception is raised
where the flag is read. A signal that is ignored, as SIGHUP is under nohup, stays ignored.
"""

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

_last = signal.SIGINT


def exit_code() -> int:
    """Return the exit code of a process that ends because of the last of these signals: 130 after Ctrl-C."""
    return 128 + _last


@contextmanager
def defer_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether there was a signal in the block; a second one acts as before the block.

    Outside the main thread nothing changes, and nothing for a signal that Python does not handle: a program that has
    set no handler of SIGTERM ends at it.
    """
    signalled = False
    before = {number: handler for number in SIGNALS if callable(handler := signal.getsignal(number))}

    def note(number, frame) -> None:
        nonlocal signalled
        if signalled:
            before[number](number, frame)
        signalled = True

    with _handled_by(note, before):
        yield lambda: signalled


def signals_raise() -> AbstractContextManager[None]:
    """Raise `KeyboardInterrupt` at a signal in the block, which has something to save."""
    return _handled_by(signal.default_int_handler, _heeded())


def exit_at_signals() -> None:
    """End the process at a signal from now to its end, with the exit code of the signal and nothing saved.

    An exception may get lost in an import or in a callback of the garbage collector, and the first seconds, in which
    JAX and Keras are imported, are full of both; and in the last moments nothing is left to catch it.
    """
    if threading.current_thread() is threading.main_thread():
        for number in _heeded():
            signal.signal(number, _exit)


def block_signals() -> None:
    """Block the signals in this thread, and in the threads and processes that it starts."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _heeded())


def wait_for_signal() -> int:
    """Wait for SIGTERM or SIGHUP where every thread blocks them, and return its number; the next one acts at once.

    Where a platform cannot wait for signals, this never returns.
    """
    if not hasattr(signal, "sigwait"):
        threading.Event().wait()
    numbers = set(_heeded()) - {signal.SIGINT}
    number = signal.sigwait(numbers)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    return number


def _heeded() -> list[signal.Signals]:
    return [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


def _exit(number, frame) -> None:
    os.write(2, b"\nInterrupted.\n")
    os._exit(128 + number)


@contextmanager
def _handled_by(handler: Callable, numbers: Collection[signal.Signals]) -> Iterator[None]:
    """Set the handler of signals in the block; outside the main thread, which alone may, nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number, frame) -> None:
        global _last
        _last = number
        handler(number, frame)

    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in numbers:
            signal.signal(number, handle)
        yield
    finally:
        _restore(before)


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    raised = None
    for number, handler in handlers.items():
        try:
            signal.signal(number, handler)
        except KeyboardInterrupt as error:  # a pending one is raised first, and nothing set
            signal.signal(number, handler)
            raised = error
    if raised is not None:
        raise raised
