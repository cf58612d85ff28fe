"""Workers of a Dask cluster, on this machine or on many others.

    dask scheduler                                                   on one machine
    dask worker tcp://host:8786 --nworkers -1 --nthreads 1           on each, a worker a core

The scheduler sends the group of a lost worker to another one, and gives up on it after the fourth.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from memoryspan.errors import RunError
from memoryspan.machine import cores
from memoryspan.sweeps import worker
from memoryspan.sweeps.checkpoint import key_of
from memoryspan.sweeps.group import Message, Notice, Progress, Saved
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.versions import difference, versions
from memoryspan.sweeps.workers import Workers

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

CHECKPOINT_SECONDS = 10.0
"""Seconds between two checkpoints of a group, all of which go through the scheduler."""

REACH = 5
"""Seconds within which a scheduler has to answer."""


INSTALLED = (
    "{each.name: each.version for each in reversed([*__import__('importlib.metadata').metadata.distributions()])}"
)
"""An expression for the versions of a process, which may lack this package. (`Client.get_versions` imports each package
to find its version: JAX then starts in the workers, and in the scheduler, before `worker.ONE_THREAD` is set.)"""


@contextmanager
def dask_workers(address: str | None, count: int | None, n_trials: int) -> Iterator[Workers]:
    """Connect to the scheduler at `address`, or start one here that ends with the block.

    Raises:
        RunError: Dask is not installed, the scheduler cannot be reached, or a worker has other versions.
    """
    try:
        from distributed import KilledWorker
    except ImportError:
        raise RunError("Clusters need Dask, which is not installed: pip install 'distributed>=2024.8'.") from None
    with _client(address, max(1, min(count or len(cores()), n_trials))) as client:
        with _scheduler_errors():
            require_same_versions(client)
            threads = _threads(client)
        messages: SimpleQueue[tuple[int, Message]] = SimpleQueue()
        numbers: dict[str, int] = {}
        topic = f"memoryspan-{secrets.token_hex(4)}"  # of the scheduler's log, and of its metadata

        async def note(event) -> None:
            _, (name, kind, said) = event
            number = numbers.setdefault(name, len(numbers))
            if kind != "saved":
                messages.put((number, {"progress": Progress, "notice": Notice}[kind](said)))
                return
            server: Any = client.scheduler
            with suppress(OSError):  # the scheduler has gone
                content = await server.get_metadata(keys=[topic, key_of(said)], default=None)
                if content is not None:  # else the results have come
                    messages.put((number, Saved(tuple(said), content)))

        client.subscribe_topic(topic, note)
        for place, several in threads.items():
            if several > 1:
                messages.put(
                    (0, Notice(f"{place} has {several} threads and uses one: start its workers with --nthreads 1"))
                )
        if not threads:
            messages.put((0, Progress(f"waiting for workers: {client.scheduler.address} has none yet")))  # pyright: ignore
        executor = client.get_executor(pure=False)
        try:
            yield Workers(
                executor=executor,
                run_group=partial(run_group, topic),
                count=count or max(1, len(threads)),
                messages=messages,
                lost=(KilledWorker, CancelledError),
                require_present=partial(_require_present, client),
                stop=lambda: None,
                remote=True,
            )
        finally:
            if client.status == "running":
                executor.shutdown(wait=False)


def run_group(topic: str, kind: Kind, work: bytes, every: float = CHECKPOINT_SECONDS) -> bytes:
    """Call `worker.run_group` in a worker of Dask, which reports under a topic of the scheduler's log.

    The checkpoints are in the scheduler's metadata, where only the last of each group stays: there the client finds
    it, and another worker to which the scheduler sends the group.
    """
    from distributed import get_client, get_worker

    me, saved = get_worker(), set()

    def newest(key: str) -> bytes | None:
        content: Any = get_client().get_metadata([topic, key], default=None)
        return content

    def deliver(message: Message) -> None:
        match message:
            case Progress(words):
                me.log_event(topic, (str(me.name), "progress", words))
            case Notice(sentence):
                me.log_event(topic, (str(me.name), "notice", sentence))
            case Saved(trials, content):
                saved.add(key_of(trials))
                get_client().set_metadata([topic, key_of(trials)], content)
                me.log_event(topic, (str(me.name), "saved", trials))

    try:
        results = worker.run_group(kind, work, deliver, every, newest)
    finally:
        deliver(Progress(""))
    for key in saved:
        get_client().set_metadata([topic, key], None)
    return results


def require_same_versions(client: "Client") -> None:
    """Raise `RunError` where a worker, or the scheduler, has other versions than this process."""
    ours = versions()
    answers: Any = client.run(eval, INSTALLED, on_error="return")
    answers["the scheduler"] = client.run_on_scheduler(eval, INSTALLED)
    theirs = {
        place: {name: found.get(name, "missing") for name in ours}
        for place, found in answers.items()
        if isinstance(found, dict)  # else it has just gone
    }
    theirs["the scheduler"] = {"memoryspan": theirs["the scheduler"]["memoryspan"]}  # which passes on what it reads
    wrong = [f"{place} has {other}" for place, has in theirs.items() if (other := difference(ours, has))]
    if wrong:
        raise RunError(
            f"The versions of the cluster are not those of this process: {'; '.join(wrong)}. Install the same "
            f"versions there: other versions give other results."
        )


def _threads(client: "Client") -> dict[str, int]:
    threads: Any = client.nthreads()
    return threads


GONE = "The Dask scheduler has gone: start it and its workers again; the same command then resumes the sweep."


def _require_present(client: "Client") -> None:
    """Raise `RunError` where the scheduler has gone, and has not come back while Dask waits."""
    if client.status in ("closing", "closed"):
        raise RunError(GONE)


@contextmanager
def _scheduler_errors() -> Iterator[None]:
    """Raise `RunError` where the scheduler goes away in the block."""
    try:
        yield
    except OSError:  # which those of Dask's connections are
        raise RunError(GONE) from None


@contextmanager
def _client(address: str | None, count: int) -> "Iterator[Client]":
    from distributed import Client, LocalCluster

    if address is None:
        quiet = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
        here = LocalCluster(n_workers=count, threads_per_worker=1, **quiet)
        with here, Client(here) as client:
            try:
                yield client
            finally:
                _kill(here)
        return
    _require_scheduler(address)
    with _scheduler_errors():
        client = Client(address)
    try:
        yield client
    finally:
        with suppress(TimeoutError):
            client.close(timeout=1)


def _kill(ours: "LocalCluster") -> None:
    """End workers of our own at once: closed in order, they would first finish their work."""
    import psutil  # which Dask needs as well

    nannies: Any = ours.workers.values()
    for nanny in nannies:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(nanny.pid).kill()


def _require_scheduler(address: str) -> None:
    """Raise `RunError` where no scheduler answers: a client that reaches none leaves threads and warnings behind."""
    from distributed.comm.core import connect

    async def reach() -> None:
        comm = await connect(address, timeout=REACH)
        await comm.close()

    try:
        with ThreadPoolExecutor(1) as thread:  # a notebook runs a loop in its own
            thread.submit(lambda: asyncio.run(reach())).result()
    except Exception as error:  # anything that another program answers at that address
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise RunError(
            f"No Dask scheduler answers at {address} ({reason}): start one there by `dask scheduler`, and give the "
            f"address that it prints."
        ) from None
