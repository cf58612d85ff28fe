"""SIGINT, which Ctrl-C sends: deferred, raised, or the end of the process.

Python raises `KeyboardInterrupt` in whatever it is running. Inside a callback of the garbage collector, and JAX has
one, the exception is printed and lost. So the first Ctrl-C of a training only sets a flag, and the exception is raised
where the flag is read.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager


@contextmanager
def defer_sigint() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed in the block; a second one raises `KeyboardInterrupt`.

    Outside the main thread, and where Ctrl-C is ignored, nothing changes.
    """
    pressed, before = False, signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield lambda: False
        return

    def note(number, frame) -> None:
        nonlocal pressed
        if pressed:
            before(number, frame)
        pressed = True

    with _handled_by(note):
        yield lambda: pressed


def sigint_raises() -> AbstractContextManager[None]:
    """Raise `KeyboardInterrupt` at Ctrl-C in the block, which has something to save."""
    return _handled_by(signal.default_int_handler)


def exit_at_sigint() -> None:
    """End the process at Ctrl-C from now to its end, with exit code 130 and nothing saved.

    An exception may get lost in an import or in a callback of the garbage collector, and the first seconds, in which
    JAX and Keras are imported, are full of both; and in the last moments nothing is left to catch it.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _exit)


def _exit(number, frame) -> None:
    os.write(2, b"\nInterrupted.\n")
    os._exit(130)


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


def stop_signals() -> set[signal.Signals]:
    """Return the signals beside SIGINT at which a process should end; without those that are ignored, as by nohup."""
    every = {signal.SIGTERM} | ({signal.SIGHUP} if hasattr(signal, "SIGHUP") else set())
    return {each for each in every if signal.getsignal(each) is not signal.SIG_IGN}


def wait_for_stop_signal() -> int:
    """Wait for a signal of `stop_signals`, which every thread blocks, and return its number; the next one acts at once.

    Where a platform cannot wait for signals, this never returns.
    """
    if not hasattr(signal, "sigwait"):
        threading.Event().wait()
    number = signal.sigwait(stop_signals())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals())
    return number
