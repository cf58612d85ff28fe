"""Workers that are processes of this machine, each on its own cores.

`concurrent.futures.ProcessPoolExecutor` ends all of its processes when one is lost, and with them hours of work of the
others. Here a process that dies loses its own group alone, and is replaced. (pebble's pool does so too, but has no way
to report progress that outlives a killed process: workers there share the lock of a queue.)
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from typing import Any

from memoryspan import machine
from memoryspan.interrupt import block_signals, wait_for_signal
from memoryspan.machine import cores
from memoryspan.sweeps.group import Message, Progress
from memoryspan.sweeps.worker import flush, run_group
from memoryspan.sweeps.workers import Workers

SPAWN = multiprocessing.get_context("spawn")  # JAX has threads, which a fork does not take along

STOP_SECONDS = 10
"""Seconds in which a process that is stopped delivers the state of what it runs."""

SHARED_GPU = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""Several processes share a GPU: the first must not preallocate three quarters of its memory, as JAX does."""


@contextmanager
def local_workers(count: int | None, n_trials: int) -> Iterator[Workers]:
    """Start `count` processes, by default one a core, and no more than trials; they are killed at the end."""
    mine = cores()
    count = max(1, min(count or len(mine), n_trials))
    executor = Processes([mine[number::count] or [mine[number % len(mine)]] for number in range(count)])
    try:
        yield Workers(
            executor=executor,
            run_group=run_group,
            count=count,
            messages=executor.messages,
            lost=(BrokenProcessPool,),
            require_present=lambda: None,
            stop=executor.stop,
            remote=False,
        )
    finally:
        executor.shutdown()


class Processes(Executor):
    """A process for each share of the cores. What they deliver goes to `messages`, and empty words once one is idle."""

    def __init__(self, shares: list[list[int]]):
        """Start no process yet: the first trial does."""
        self.messages: SimpleQueue[tuple[int, Message]] = SimpleQueue()
        self._shares = shares
        self._idle: SimpleQueue[int] = SimpleQueue()
        for number in range(len(shares)):
            self._idle.put(number)
        self._processes: dict[int, tuple[SpawnProcess, Connection]] = {}
        self._lock = threading.Lock()
        self._ended = False
        # A process inherits blocked signals from the thread that starts it. The terminal sends Ctrl-C to all processes,
        # but only this one handles it; the others `wait_for_signal`.
        self._threads = ThreadPoolExecutor(len(shares), "memoryspan-worker", initializer=block_signals)

    def submit(self, fn: Callable, /, *args, **kwargs) -> Future:
        """Call fn(*args, deliver, **kwargs) in a process; the future raises `BrokenProcessPool` where that dies."""
        return self._threads.submit(self._run, fn, args, kwargs)

    def stop(self) -> None:
        """Let the processes deliver the state of what they run, and end them."""
        with self._lock:
            self._ended = True
            processes = [process for process, _ in self._processes.values()]
        for process in processes:
            process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for process in processes:
            process.join(max(0, until - time.monotonic()))
        self.shutdown()  # when it returns, all that was delivered is in `messages`

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Kill the processes, whatever they are doing."""
        with self._lock:
            self._ended = True
            for process, _ in self._processes.values():
                process.kill()
        self._threads.shutdown(wait, cancel_futures=True)

    def _run(self, *call):
        number = self._idle.get()
        try:
            kind, content = self._call(number, call)
        finally:
            self.messages.put((number, Progress("")))
            self._idle.put(number)
        if kind == "raised":
            raise content
        return content

    def _call(self, number: int, call: tuple) -> tuple[str, Any]:
        _, connection = self._started(number)
        try:
            connection.send(call)
            while (message := connection.recv())[0] == "delivered":
                self.messages.put((number, message[1]))
            return message
        except (EOFError, OSError):
            raise BrokenProcessPool(self._remove_dead(number)) from None

    def _started(self, number: int) -> tuple[SpawnProcess, Connection]:
        with self._lock:
            if self._ended:
                raise BrokenProcessPool("It was shut down.")
            if number not in self._processes:
                ours, theirs = SPAWN.Pipe()
                process = SPAWN.Process(
                    target=_serve, args=(theirs, self._shares[number], len(self._shares)), daemon=True
                )
                self.messages.put((number, Progress("starting")))
                process.start()
                theirs.close()  # so that ours ends when the process does
                self._processes[number] = process, ours
            return self._processes[number]

    def _remove_dead(self, number: int) -> str:
        """Remove a process that has died, and return how it died."""
        with self._lock:
            process, connection = self._processes.pop(number)
        connection.close()
        process.join()
        code = process.exitcode or 0
        return f"signal {-code} ended it{_HINTS.get(-code, '')}." if code < 0 else f"it ended with exit code {code}."


_HINTS = {9: ", which a system does that runs out of memory", 11: ", which is an error in compiled code"}


def _serve(connection: Connection, share: list[int], workers: int) -> None:
    """Call what arrives, and send back its result: the main function of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sending = threading.Lock()

    def send(*message: object) -> None:
        with sending:
            connection.send(message)

    def deliver(message: Message) -> None:
        send("delivered", message)

    threading.Thread(target=_exit_with_parent, daemon=True).start()
    threading.Thread(target=_exit_at_signal, args=(sending,), daemon=True).start()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share)
    for name, value in SHARED_GPU.items():
        os.environ.setdefault(name, value)
    os.environ[machine.SHARES] = str(workers)
    with suppress(EOFError, BrokenPipeError):
        while True:
            fn, args, kwargs = connection.recv()
            try:
                outcome = "returned", fn(*args, deliver, **kwargs)
            except Exception as error:
                outcome = "raised", error
            send(*outcome)


def _exit_at_signal(sending: threading.Lock) -> None:
    """At a signal that ends a process, deliver the state of what runs first; a second one ends it at once."""
    number = wait_for_signal()
    try:
        flush()
    finally:
        with sending:  # no message is cut off
            os._exit(128 + number)


def _exit_with_parent() -> None:
    """End the process with its parent, which has no time to end its children if it is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
