"""Workers that are processes of this machine, each on its own cores.

`concurrent.futures.ProcessPoolExecutor` ends all of its processes when one is lost, and with them what the others have
been at for hours. Here a process that dies takes its own group along, and is replaced.
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
from memoryspan.machine import cores
from memoryspan.sweeps import work
from memoryspan.sweeps.run import Workers

SPAWN = multiprocessing.get_context("spawn")  # JAX has threads, which a fork does not take along

EVERY = 0.25
"""Seconds between two sentences of a worker that anybody could read."""

SHARED_GPU = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""Several processes on one GPU: the first must not take three quarters of its memory for itself, as JAX does."""


@contextmanager
def local(count: int | None, most: int) -> Iterator[Workers]:
    """As many processes as were asked for, or as there are cores, and not more than `most`; killed at the end."""
    mine = cores()
    count = max(1, min(count or len(mine), most))
    executor = Processes([mine[number::count] or [mine[number % len(mine)]] for number in range(count)])
    try:
        yield Workers(
            executor, work.run_group, count, executor.events, (BrokenProcessPool,), lambda: None, elsewhere=False
        )
    finally:
        executor.shutdown()


class Processes(Executor):
    """A process a share of the cores; what they have to say goes to `events`."""

    def __init__(self, shares: list[list[int]]):
        """Starts none before there is something to do."""
        self.events: SimpleQueue[tuple[int, str]] = SimpleQueue()
        self._shares = shares
        self._idle: SimpleQueue[int] = SimpleQueue()
        for number in range(len(shares)):
            self._idle.put(number)
        self._processes: dict[int, tuple[SpawnProcess, Connection]] = {}
        self._lock = threading.Lock()
        self._ended = False
        self._threads = ThreadPoolExecutor(len(shares), "memoryspan-worker", initializer=_deaf_to_ctrl_c)

    def submit(self, fn: Callable, /, *args, **kwargs) -> Future:
        """fn(*args, report, **kwargs) in a process; its future raises `BrokenProcessPool` where that dies."""
        return self._threads.submit(self._run, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Kills the processes, whatever they are at."""
        with self._lock:
            self._ended = True
            for process, _ in self._processes.values():
                process.kill()
        self._threads.shutdown(wait, cancel_futures=True)

    def _run(self, *call):
        number = self._idle.get()
        try:
            kind, content = self._asked(number, call)
        finally:
            self._idle.put(number)
        if kind == "raised":
            raise content
        return content

    def _asked(self, number: int, call: tuple) -> tuple[str, Any]:
        """What a process answers to a call; what it tells on the way goes to `events`."""
        _, connection = self._started(number)
        try:
            connection.send(call)
            while (answer := connection.recv())[0] == "told":
                self.events.put((number, answer[1]))
            return answer
        except (EOFError, OSError):
            raise BrokenProcessPool(self._buried(number)) from None

    def _started(self, number: int) -> tuple[SpawnProcess, Connection]:
        """The process of this number; a new one where there is none."""
        with self._lock:
            if self._ended:
                raise BrokenProcessPool("It was shut down.")
            if number not in self._processes:
                ours, theirs = SPAWN.Pipe()
                process = SPAWN.Process(
                    target=_serve, args=(theirs, self._shares[number], len(self._shares)), daemon=True
                )
                process.start()
                theirs.close()  # so that ours ends when the process does
                self._processes[number] = process, ours
            return self._processes[number]

    def _buried(self, number: int) -> str:
        """Removes a process that has died, and says how."""
        with self._lock:
            process, connection = self._processes.pop(number)
        connection.close()
        process.join()
        code = process.exitcode or 0
        return f"signal {-code} ended it{_HINTS.get(-code, '')}." if code < 0 else f"it ended with exit code {code}."


_HINTS = {9: ", which is what a system does that runs out of memory", 11: ", which is an error in compiled code"}


def _deaf_to_ctrl_c() -> None:
    """In the thread that starts a process, which is born deaf as well: the terminal sends Ctrl-C to all of a group."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _serve(connection: Connection, share: list[int], workers: int) -> None:
    """All that one of so many processes does: calls what it is sent, and returns what comes of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share)
    for name, value in SHARED_GPU.items():
        os.environ.setdefault(name, value)
    os.environ[machine.SHARES] = str(workers)
    due = 0.0

    def report(sentence: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            connection.send(("told", sentence))
            due = time.monotonic() + EVERY

    with suppress(EOFError, BrokenPipeError):
        while True:
            fn, args, kwargs = connection.recv()
            try:
                answer = "returned", fn(*args, report, **kwargs)
            except Exception as error:
                answer = "raised", error
            connection.send(answer)


def _leave_with_parent() -> None:
    """A killed parent has no time to end its children."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
