import signal
import sys
import threading
from contextlib import suppress

import pytest

from memoryspan.interrupt import defer_sigint, immediate_sigint


def test_the_first_ctrl_c_is_noted_and_the_second_raised():
    with defer_sigint() as pressed:
        assert not pressed()
        signal.raise_signal(signal.SIGINT)
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_ctrl_c_is_what_it_was():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError), defer_sigint():
        raise RuntimeError
    assert signal.getsignal(signal.SIGINT) is before


def test_where_it_counts_as_two_the_first_is_raised_as_well_as_noted():
    with defer_sigint() as pressed:
        with pytest.raises(KeyboardInterrupt), immediate_sigint():
            signal.raise_signal(signal.SIGINT)
        assert pressed()


def test_where_it_counts_as_two_one_that_was_swallowed_is_raised_at_the_end():
    done = []

    def block():
        with immediate_sigint():
            with suppress(KeyboardInterrupt):  # as in a callback of the garbage collector
                signal.raise_signal(signal.SIGINT)
            done.append("the rest of the block")

    with defer_sigint(), pytest.raises(KeyboardInterrupt):
        block()
    assert done == ["the rest of the block"]


class Collected:
    """Its last moment runs Python code, in which nothing can be raised, as a callback of the collector does."""

    def __init__(self, last_moment):
        self.last_moment = last_moment

    def __del__(self):
        self.last_moment()


def test_where_it_counts_as_two_one_that_meets_the_collector_is_raised_and_not_reported(monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: reported.append(unraisable.exc_type))

    def block():
        with immediate_sigint():
            Collected(lambda: signal.raise_signal(signal.SIGINT))
            Collected(lambda: 1 / 0)

    with pytest.raises(KeyboardInterrupt):
        block()
    Collected(lambda: signal.default_int_handler(signal.SIGINT, None))
    assert reported == [ZeroDivisionError, KeyboardInterrupt]


@pytest.mark.parametrize("block", [defer_sigint, immediate_sigint])
def test_pressed_at_the_very_end_it_leaves_nothing_behind(monkeypatch, block):
    before, report, set_handler = signal.getsignal(signal.SIGINT), sys.unraisablehook, signal.signal
    presses = iter([signal.SIGINT])

    def answer_what_is_pending_first(number, handler):  # as `signal.signal` does
        if handler is before:
            for press in presses:
                signal.default_int_handler(press, None)
        return set_handler(number, handler)

    monkeypatch.setattr(signal, "signal", answer_what_is_pending_first)
    with pytest.raises(KeyboardInterrupt), block():
        pass
    assert (signal.getsignal(signal.SIGINT), sys.unraisablehook) == (before, report)


def test_where_ctrl_c_is_ignored_it_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with defer_sigint() as pressed:
            signal.raise_signal(signal.SIGINT)
            assert not pressed()
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_can_train_too():
    heard = []

    def in_thread():
        with defer_sigint() as pressed:
            heard.append(pressed())

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert heard == [False]
