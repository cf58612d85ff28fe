"""How often something is saved: after a number of seconds, and less often where saving takes its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

SHARE = 0.1
"""The largest share of the time that saving may take: checkpoints of large models are further apart."""


class Pace:
    """When something is next to be saved."""

    def __init__(self, every: float):
        """Let `every` seconds pass between two saves, at least."""
        self._every = every
        self._due = time.monotonic() + every

    def is_due(self) -> bool:
        """Return whether it is time to save."""
        return time.monotonic() >= self._due

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Measure how long the block takes, which saves, and put off the next time accordingly."""
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        self._due = began + took + max(self._every, took / SHARE)
