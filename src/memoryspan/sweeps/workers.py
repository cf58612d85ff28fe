"""Workers: processes that run groups of trials, here (`local`) or on a Dask cluster (`dask`)."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from queue import SimpleQueue

from memoryspan.sweeps.kind import Kind


@dataclass(frozen=True)
class Workers:
    """An executor, and what a sweep uses of the processes behind it.

    Attributes:
        executor: what groups are submitted to.
        run_group: `worker.run_group`, with its progress reported as these workers do.
        count: how many groups run at a time.
        events: what workers report: the number of a worker, from 0, and a few words.
        lost: the exceptions of a future whose worker has died.
        require_present: raises `RunError` where no more workers will come.
        remote: whether workers may lack the files of this machine.
    """

    executor: Executor
    run_group: Callable[[Kind, bytes], bytes]
    count: int
    events: SimpleQueue[tuple[int, str]]
    lost: tuple[type[BaseException], ...]
    require_present: Callable[[], None]
    remote: bool
