"""Workers: processes that run groups of trials, here (`local`) or on a Dask cluster (`dask`)."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import SimpleQueue

from memoryspan.errors import RunError
from memoryspan.sweeps.group import Message
from memoryspan.sweeps.kind import Kind


@dataclass(frozen=True)
class Workers:
    """An executor, and what a sweep uses of the processes behind it.

    Attributes:
        executor: what groups are submitted to.
        run_group: `worker.run_group`, with its messages delivered as these workers do.
        count: how many groups run at a time.
        messages: what workers deliver: the number of a worker, from 0, and the message.
        lost: the exceptions of a future whose worker has died.
        require_present: raises `RunError` where no more workers will come.
        stop: ends what runs, with the state of each group delivered where that can be done.
        remote: whether workers may lack the files of this machine.
    """

    executor: Executor
    run_group: Callable[[Kind, bytes], bytes]
    count: int
    messages: SimpleQueue[tuple[int, Message]]
    lost: tuple[type[BaseException], ...]
    require_present: Callable[[], None]
    stop: Callable[[], None]
    remote: bool


def make_workers(where: str | None, count: int | None, n_trials: int) -> AbstractContextManager[Workers]:
    """Return workers, which start when the block is entered and are gone when it is left.

    Args:
        where: None for processes of this machine, `dask` for a Dask cluster of such, or the address of a scheduler.
        count: the number of workers; by default one a core, or all of a cluster.
        n_trials: how many trials they are for; there are no more workers than trials.

    Raises:
        RunError: `where` is unknown; Dask is not installed, or its scheduler cannot be reached; or its workers have
            other versions.
    """
    if count is not None and count < 1:
        raise RunError(f"workers should be at least 1, got {count}: give --workers 1 or more.")
    if where is None:
        from memoryspan.sweeps.local import local_workers

        return local_workers(count, n_trials)
    if where == "dask" or "://" in where:
        from memoryspan.sweeps.dask import dask_workers

        return dask_workers(None if where == "dask" else where, count, n_trials)
    raise RunError(
        f"executor should be dask or the address of a Dask scheduler, got {where!r}: give --executor dask or "
        f"--executor tcp://host:8786. Without it the trials run in processes of this machine."
    )
