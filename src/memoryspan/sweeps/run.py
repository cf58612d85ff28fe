"""Run the trials of a sweep: send them to workers, and save what comes back."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from queue import Empty, SimpleQueue

from memoryspan.interrupt import defer_sigint
from memoryspan.sweeps.client import groups, lost, pack, unpack
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.sweep import Sweep, save, write_csv
from memoryspan.sweeps.trial import Trial, TrialResult
from memoryspan.sweeps.workers import Workers

RETRIES = 3
"""The number of times that a group is sent to another worker after its worker was lost."""

SIGINT_SECONDS = 0.1
"""Seconds within which Ctrl-C takes effect."""


def run_trials(
    sweep: Sweep,
    trials: Sequence[Trial],
    workers: Workers,
    on_result: Callable[[TrialResult], None] = lambda found: None,
    on_event: Callable[[int, str], None] = lambda worker, words: None,
) -> None:
    """Run trials of a sweep, and save each result as it comes.

    Args:
        sweep: opened by `open_for_writing`.
        trials: those that `pending` has returned.
        workers: what runs them.
        on_result: called with each result once it is saved.
        on_event: called with the number of a worker and what it reports.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the results so far are saved.
        RunError: a result cannot be written, the workers cannot work, or the cluster has gone.
    """
    try:
        with defer_sigint() as pressed:
            for results in _completed(sweep.kind, trials, workers, pressed, on_event):
                for found in results:
                    save(sweep, found)
                    on_result(found)
    finally:
        write_csv(sweep)


def _completed(
    kind: Kind,
    trials: Sequence[Trial],
    workers: Workers,
    pressed: Callable[[], bool],
    on_event: Callable[[int, str], None],
) -> Iterator[list[TrialResult]]:
    """Yield the results of one group after the other, as they come. A group whose worker was lost is run again."""

    def submit(group: Sequence[Trial]) -> Future[bytes]:
        return workers.executor.submit(workers.run_group, kind, pack(group, send_files=workers.remote))

    running = {submit(group): (group, 1) for group in groups(trials, workers.count)}
    while running:
        done, _ = wait(running, timeout=SIGINT_SECONDS, return_when=FIRST_COMPLETED)
        workers.require_present()
        for worker, words in _received(workers.events):
            on_event(worker, words)
        for future in done:
            group, attempts = running.pop(future)
            try:
                yield unpack(kind, future.result())
            except workers.lost as error:
                if attempts <= RETRIES:
                    running[submit(group)] = group, attempts + 1
                else:
                    yield lost(group, f"The worker was lost, {attempts} times: {error}")
        if pressed():
            raise KeyboardInterrupt


def _received(events: SimpleQueue) -> Iterator:
    for _ in range(events.qsize()):  # no more than there are now: they may come as fast as they are read
        try:
            yield events.get_nowait()
        except Empty:
            return
