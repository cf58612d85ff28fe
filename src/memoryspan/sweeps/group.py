"""A group of trials while it runs: its progress and its checkpoints, and the messages that carry them."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from memoryspan.environment import Environment, difference, environment
from memoryspan.errors import RunError
from memoryspan.files.pace import Pace
from memoryspan.sweeps import checkpoint

T = TypeVar("T")

REPORT_SECONDS = 0.25
"""Seconds between two reports of progress."""


@dataclass(frozen=True)
class Progress:
    """The progress of a group, in a few words; the next message replaces it."""

    words: str


@dataclass(frozen=True)
class Notice:
    """A sentence for the user."""

    sentence: str


@dataclass(frozen=True)
class Saved:
    """The checkpoint of a group, which replaces the previous one."""

    trials: tuple[str, ...]
    content: bytes


Message = Progress | Notice | Saved


class Group:
    """A group of trials, as its kind sees it.

    A kind whose trials take long starts with `restore`, and calls `keep` after each step. Other kinds need neither.
    """

    def __init__(
        self,
        trials: Sequence[str] = (),
        name: str = "",
        saved: bytes | None = None,
        deliver: Callable[[Message], None] = lambda message: None,
        every: float = 2.0,
    ):
        """Deliver a checkpoint every so many seconds, at most.

        Args:
            trials: the keys of the trials, in order.
            name: what they are called in reports and notices.
            saved: a checkpoint of these trials.
            deliver: sends a message to the process that runs the sweep.
            every: seconds between two checkpoints.
        """
        self._trials, self._name, self._saved, self._deliver = tuple(trials), name, saved, deliver
        self._words, self._due = "", 0.0
        self._pace, self._latest = Pace(every), None
        self._lock = threading.Lock()

    def report(self, words: str) -> None:
        """Report the progress in a few words; reports that follow quickly on another are not delivered."""
        self._words = words
        if time.monotonic() >= self._due:
            self._deliver(Progress(f"{self._name}: {words}" if self._name else words))
            self._due = time.monotonic() + REPORT_SECONDS

    def restore(self, decode: Callable[[bytes], T]) -> T | None:
        """Return the state that was kept last, as `decode` reads it; None where the trials start anew.

        `decode` raises `ValueError` where the state does not fit the trials.
        """
        if self._saved is None:
            return None
        try:
            header, state = checkpoint.decode(self._saved, Path("checkpoint"))
            if header.trials != self._trials:
                raise ValueError("it is of other trials")
            if changed := difference(header.environment, self._environment):
                raise ValueError(f"it was made elsewhere ({changed})")
            found = decode(state)
        except (ValueError, RunError) as error:
            self._deliver(Notice(f"{self._name} starts anew, and not from its checkpoint: {error}"))
            return None
        self._deliver(Notice(f"Resumed: {self._name}: {header.position}"))
        return found

    def keep(self, encode: Callable[[], bytes]) -> None:
        """Deliver the state that `encode` returns if a checkpoint is due; otherwise `flush` may deliver it later."""
        self._latest = encode, self._words
        if self._pace.is_due():
            with self._pace.saving():
                self.flush()

    def flush(self) -> None:
        """Deliver the state that was kept last, unless it was delivered before; any thread may call this."""
        with self._lock:
            if self._latest is not None:
                (encode, words), self._latest = self._latest, None
                self._deliver(Saved(self._trials, checkpoint.encode(self._trials, self._environment, words, encode())))

    @cached_property
    def _environment(self) -> Environment:
        return environment()
