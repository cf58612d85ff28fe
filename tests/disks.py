"""Disks that are small, and directories in which nothing can be written: for root by mounting, and else skipped."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A disk of this size, mounted at `place` in the block: `64k`, `2m`."""
    place.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "memoryspan-test", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def make_read_only(place: Path) -> None:
    """Make a disk that `small_disk` has mounted read-only."""
    _mount("-o", "remount,ro", str(place))


def _mount(*options: str) -> None:
    if os.name == "nt" or os.geteuid() != 0 or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("mounting a disk takes root, on Linux")
