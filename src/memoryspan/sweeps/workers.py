"""Workers: processes that run groups of trials, here (`local`) or on a Dask cluster (`dask`)."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from queue import SimpleQueue

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
