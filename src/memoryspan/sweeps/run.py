"""Run the trials of a sweep: send them to workers, and save what comes back."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from queue import Empty, SimpleQueue

from memoryspan.interrupt import defer_signals
from memoryspan.sweeps.client import groups, lost, pack, unpack
from memoryspan.sweeps.group import Notice, Progress, Saved
from memoryspan.sweeps.sweep import Sweep, save, save_checkpoint, write_csv
from memoryspan.sweeps.trial import Trial, TrialResult
from memoryspan.sweeps.workers import Workers

RETRIES = 3
"""The number of times that a group without a new checkpoint is sent to another worker after its worker was lost."""

SIGINT_SECONDS = 0.1
"""Seconds within which Ctrl-C takes effect."""


def run_trials(
    sweep: Sweep,
    trials: Sequence[Trial],
    workers: Workers,
    on_result: Callable[[TrialResult], None] = lambda found: None,
    on_event: Callable[[int, str], None] = lambda worker, words: None,
    on_notice: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Run trials of a sweep, and save each result as it comes, and checkpoints on the way.

    Args:
        sweep: opened by `open_for_writing`.
        trials: those that `pending` has returned.
        workers: what runs them.
        on_result: called with each result once it is saved.
        on_event: called with the number of a worker and a few words on its progress; none when it is idle.
        on_notice: called with sentences for the user, such as which trials were resumed.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the results so far are saved, and the state of the trials that ran.
        RunError: a file cannot be written, the workers cannot work, or the cluster has gone.
    """

    def receive() -> set[str]:
        """Handle what workers have delivered, and return the keys of trials that have a new checkpoint."""
        advanced = set()
        for number, message in _received(workers.messages):
            match message:
                case Progress(words):
                    on_event(number, words)
                case Notice(sentence):
                    on_notice(sentence)
                case Saved(keys, content):
                    save_checkpoint(sweep, keys, content)
                    advanced.update(keys)
        return advanced

    try:
        with defer_signals() as pressed:
            for results in _completed(sweep, trials, workers, receive):
                save(sweep, *results)
                for found in results:
                    on_result(found)
                if pressed():
                    workers.stop()
                    receive()
                    raise KeyboardInterrupt
    finally:
        write_csv(sweep)


def _completed(
    sweep: Sweep, trials: Sequence[Trial], workers: Workers, receive: Callable[[], set[str]]
) -> Iterator[list[TrialResult]]:
    """Yield the results of one group after the other as they come, and at least an empty list in `SIGINT_SECONDS`.

    A group whose worker was lost is run again, from its last checkpoint.
    """
    running: dict[Future[bytes], tuple[Sequence[Trial], int]] = {}
    advanced: set[str] = set()

    def submit(group: Sequence[Trial], attempt: int) -> None:
        packed = pack(group, workers.remote, sweep.checkpoints)
        running[workers.executor.submit(workers.run_group, sweep.kind, packed)] = group, attempt
        advanced.difference_update(trial.key for trial in group)

    for group in groups(sweep.trials, workers.count, [trial.key for trial in trials], sweep.checkpoints):
        submit(group, 1)
    while running:
        done, _ = wait(running, timeout=SIGINT_SECONDS, return_when=FIRST_COMPLETED)
        workers.require_present()
        advanced |= receive()
        for future in done:
            group, attempt = running.pop(future)
            try:
                yield unpack(sweep.kind, future.result())
            except workers.lost as error:
                if not advanced.isdisjoint(trial.key for trial in group):
                    attempt = 0
                if attempt <= RETRIES:
                    submit(group, attempt + 1)
                else:
                    yield lost(group, f"The worker was lost, {attempt} times: {error}")
        yield []


def _received(messages: SimpleQueue) -> Iterator:
    for _ in range(messages.qsize()):  # no more than there are now: they may come as fast as they are read
        try:
            yield messages.get_nowait()
        except Empty:
            return
