"""Sends the cells of a sweep to workers, and keeps what comes back.

Workers stand behind a `concurrent.futures.Executor`: processes of this machine (`local`), or those of a Dask cluster
(`cluster`). A new kind is a function that yields `Workers`, and a line in `workers`.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from memoryspan.errors import RunError
from memoryspan.interrupt import defer_sigint
from memoryspan.sweeps.result import Answer, AnyCell
from memoryspan.sweeps.sweep import Sweep, keep, write_results
from memoryspan.sweeps.work import failed, groups, pack, unpack

RETRIES = 3
"""How often a group goes to another worker after the one that it was with is lost."""

HEED = 0.1
"""Seconds in which Ctrl-C is heard."""

Group = tuple[AnyCell, ...]


@dataclass(frozen=True)
class Workers:
    """Processes that answer cells, here or elsewhere."""

    executor: Executor
    run_group: Callable[[bytes], bytes]
    """`work.run_group`, as these workers tell how far they are."""
    count: int
    """How many work at a time."""
    events: SimpleQueue[tuple[int, str]]
    """What they tell: the number of a worker, from 0, and a few words."""
    lost: tuple[type[BaseException], ...]
    """What a future raises whose worker has died."""
    require_present: Callable[[], None]
    """Raises `RunError` where there will be no more workers."""
    elsewhere: bool
    """Whether they may be without the files that lie here."""


def workers(where: str | None, count: int | None, cells: Sequence[AnyCell]) -> AbstractContextManager[Workers]:
    """Workers for these cells: they are started when the block is entered, and gone when it is left.

    Args:
        where: None for processes of this machine, `dask` for a Dask cluster of such, or the address of a scheduler.
        count: how many; by default one a core, or as many as a cluster has, and not more than cells.

    Raises:
        RunError: there is no such kind; Dask is not installed, or its scheduler not reached; or its workers have other
            versions.
    """
    if count is not None and count < 1:
        raise RunError(f"At least one worker is needed, and {count} were asked for: give --workers 1 or more.")
    if where is None:
        from memoryspan.sweeps.local import local

        return local(count, len(cells))
    if where == "dask" or "://" in where:
        from memoryspan.sweeps.dask import cluster

        return cluster(None if where == "dask" else where, count, len(cells))
    raise RunError(
        f"There is no executor {where!r}: give --executor dask, or the address of a Dask scheduler, like "
        f"--executor tcp://host:8786; without it the processes of this machine answer."
    )


def run(
    sweep: Sweep,
    cells: Sequence[AnyCell],
    workers: Workers,
    on_answer: Callable[[Answer], None] = lambda answer: None,
    on_event: Callable[[int, str], None] = lambda worker, sentence: None,
) -> None:
    """Answers cells of a sweep, and keeps each answer as it comes.

    Args:
        sweep: one that `begin` has opened.
        cells: those that `missing` has returned.
        workers: who answers them.
        on_answer: called with each answer once it is kept.
        on_event: called with the number of a worker and what it tells.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; what was answered before is kept.
        RunError: an answer cannot be written, the workers cannot work, or the cluster has gone.
    """
    try:
        with defer_sigint() as pressed:
            for answers in _answered(cells, workers, pressed, on_event):
                for answer in answers:
                    keep(sweep, answer)
                    on_answer(answer)
    finally:
        write_results(sweep)


def _answered(
    cells: Sequence[AnyCell], workers: Workers, pressed: Callable[[], bool], on_event: Callable[[int, str], None]
) -> Iterator[list[Answer]]:
    """The answers of one group after the other, as they come; a group whose worker was lost is tried again."""
    tries = {_submit(group, workers): (group, 0) for group in groups(cells, workers.count)}
    while tries:
        done, _ = wait(tries, timeout=HEED, return_when=FIRST_COMPLETED)
        workers.require_present()
        for worker, sentence in _waiting(workers.events):
            on_event(worker, sentence)
        for future in done:
            group, before = tries.pop(future)
            try:
                yield unpack(future.result())
            except workers.lost as error:
                if before < RETRIES:
                    tries[_submit(group, workers)] = group, before + 1
                else:
                    yield failed(group, f"The worker was lost, {before + 1} times: {error}")
        if pressed():
            raise KeyboardInterrupt


def _submit(group: Group, workers: Workers) -> Future[bytes]:
    return workers.executor.submit(workers.run_group, pack(group, send_files=workers.elsewhere))


def _waiting(events: SimpleQueue) -> Iterator:
    for _ in range(events.qsize()):  # no more than there are now: they may come as fast as they are read
        try:
            yield events.get_nowait()
        except Empty:
            return
