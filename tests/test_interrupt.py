import signal
import threading

import pytest

from memoryspan.interrupt import defer_sigint


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


class Collected:
    """Its last moment runs Python code, in which nothing can be raised, as a callback of the collector does."""

    def __init__(self, last_moment):
        self.last_moment = last_moment

    def __del__(self):
        self.last_moment()


def test_in_a_callback_of_the_collector_it_is_noted_and_nothing_is_lost():
    with defer_sigint() as pressed:
        Collected(lambda: signal.raise_signal(signal.SIGINT))
        assert pressed()


def test_pressed_at_the_very_end_it_leaves_nothing_behind(monkeypatch):
    before, set_handler = signal.getsignal(signal.SIGINT), signal.signal
    presses = iter([signal.SIGINT])

    def answer_what_is_pending_first(number, handler):  # as `signal.signal` does
        if handler is before:
            for press in presses:
                signal.default_int_handler(press, None)
        return set_handler(number, handler)

    monkeypatch.setattr(signal, "signal", answer_what_is_pending_first)
    with pytest.raises(KeyboardInterrupt), defer_sigint():
        pass
    assert signal.getsignal(signal.SIGINT) is before


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
