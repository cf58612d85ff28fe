"""Workers of a Dask cluster: another machine's, a hundred machines', or this one's.

    dask scheduler                                                   on one machine
    dask worker tcp://host:8786 --nworkers auto --nthreads 1         on each

A worker that is lost is replaced by the scheduler, which gives up on a group after the fourth.
"""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.metadata import version
from queue import SimpleQueue
from typing import TYPE_CHECKING

from memoryspan.errors import RunError
from memoryspan.spans import work
from memoryspan.spans.executors import Workers
from memoryspan.spans.local import _cores

if TYPE_CHECKING:
    from distributed import Client

TOPIC = "memoryspan"
"""Of the scheduler's log, in which workers tell how far they are."""

EVERY = 0.5
"""Seconds between two sentences of a worker, all of which go through the scheduler."""

REACH = 5
"""Seconds in which a scheduler answers, or is not there."""


@contextmanager
def cluster(address: str | None, count: int | None, most: int) -> Iterator[Workers]:
    """The workers of the scheduler at `address`, or of one that is started here and ends with the block.

    Raises:
        RunError: Dask is not installed, the scheduler is not reached, or a worker has other versions.
    """
    try:
        from distributed import KilledWorker
    except ImportError:
        raise RunError("Clusters need Dask, which is not installed: pip install 'memoryspan[dask]'.") from None
    with _client(address, max(1, min(count or len(_cores()), most))) as client:
        require_same_versions(client)
        events: SimpleQueue[tuple[int, str]] = SimpleQueue()
        numbers: dict[str, int] = {}

        def note(event) -> None:
            _, (name, sentence) = event
            events.put((numbers.setdefault(name, len(numbers)), sentence))

        client.subscribe_topic(TOPIC, note)
        executor = client.get_executor(pure=False)
        try:
            lost = (KilledWorker, CancelledError)
            yield Workers(executor, run_group, count or _free(client), events, lost, elsewhere=True)
        finally:
            executor.shutdown(wait=False)


def run_group(group: bytes) -> bytes:
    """`work.run_group`, in a worker of Dask."""
    from distributed import get_worker

    worker, due = get_worker(), 0.0

    def report(sentence: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            worker.log_event(TOPIC, (str(worker.name), sentence))
            due = time.monotonic() + EVERY

    return work.run_group(group, report)


def require_same_versions(client: "Client") -> None:
    """Raises `RunError` where a worker has other versions than this process, and says which."""
    ours = work.versions()
    theirs: dict[str, dict[str, str]] = {}
    for name in ours:  # a function that every Python has, for a worker may lack ours
        for worker, found in client.run(version, name, on_error="return").items():
            if isinstance(found, str | ImportError):
                theirs.setdefault(worker, {}).update({name: found} if isinstance(found, str) else {})
    wrong = [f"{worker} has {other}" for worker, has in theirs.items() if (other := work.difference(ours, has))]
    if wrong:
        raise RunError(
            f"The versions of the workers are not those of this process: {'; '.join(wrong)}. Install the same ones, "
            f"for other versions give other results."
        )


def _free(client: "Client") -> int:
    """How many groups the cluster works on at a time; one where its workers are still to come."""
    return max(1, len(client.nthreads()))


@contextmanager
def _client(address: str | None, count: int) -> "Iterator[Client]":
    from distributed import Client, LocalCluster

    if address is None:
        with (
            LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=":0") as here,
            Client(here) as client,
        ):
            yield client
        return
    _require_scheduler(address)
    client = Client(address, timeout=REACH)
    try:
        yield client
    finally:
        with suppress(TimeoutError):
            client.close(timeout=1)


def _require_scheduler(address: str) -> None:
    """Raises `RunError` where none answers: a client that does not reach one leaves threads and complaints behind."""
    from distributed.comm import connect

    async def reach() -> None:
        comm = await connect(address, timeout=REACH)
        await comm.close()

    try:
        with ThreadPoolExecutor(1) as thread:  # a notebook runs a loop in its own
            thread.submit(lambda: asyncio.run(reach())).result()
    except Exception as error:  # whatever a thing says that is no scheduler
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise RunError(
            f"No Dask scheduler answers at {address} ({reason}): start one there by `dask scheduler`, and give the "
            f"address that it prints."
        ) from None
