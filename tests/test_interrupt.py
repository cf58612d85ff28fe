import signal
import subprocess
import sys
import threading

import pytest

from memoryspan.interrupt import defer_signals, exit_code, signals_raise

EVERY = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def test_the_first_ctrl_c_is_noted_and_the_second_raised():
    with defer_signals() as pressed:
        assert not pressed()
        signal.raise_signal(signal.SIGINT)
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("first", EVERY)
@pytest.mark.parametrize("second", EVERY)
def test_so_are_the_other_signals_that_end_a_process_where_they_are_handled(first, second):
    with signals_raise(), defer_signals() as pressed:
        signal.raise_signal(first)
        assert pressed()
        assert exit_code() == 128 + first
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(second)
        assert exit_code() == 128 + second


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_program_without_a_handler_ends_at_a_signal_as_it_always_did(number):
    with defer_signals():
        assert signal.getsignal(number) is signal.SIG_DFL


IN_A_PROCESS = """
import signal, sys, time
from memoryspan.interrupt import exit_at_signals
exit_at_signals()
print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", EVERY)
def test_a_process_with_nothing_to_save_ends_at_once_with_the_code_of_the_signal(number):
    command = [sys.executable, "-c", IN_A_PROCESS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, len(err.strip().splitlines())) == (128 + number, "", 1)


def test_under_nohup_a_hangup_stays_ignored():
    command = ["nohup", sys.executable, "-c", IN_A_PROCESS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM


def test_afterwards_ctrl_c_is_what_it_was():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError), defer_signals():
        raise RuntimeError
    assert signal.getsignal(signal.SIGINT) is before


class Collected:
    """Its last moment runs Python code, in which nothing can be raised, as a callback of the collector does."""

    def __init__(self, last_moment):
        self.last_moment = last_moment

    def __del__(self):
        self.last_moment()


def test_in_a_callback_of_the_collector_it_is_noted_and_nothing_is_lost():
    with defer_signals() as pressed:
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
    with pytest.raises(KeyboardInterrupt), defer_signals():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_where_ctrl_c_is_ignored_it_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with defer_signals() as pressed:
            signal.raise_signal(signal.SIGINT)
            assert not pressed()
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_can_train_too():
    heard = []

    def in_thread():
        with defer_signals() as pressed:
            heard.append(pressed())

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert heard == [False]
