"""The executors by the names that a person gives: processes of this machine, or a Dask cluster."""

from contextlib import AbstractContextManager

from memoryspan.errors import RunError
from memoryspan.sweeps.workers import Workers


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
