"""Where a training runs: device, versions, commit."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import msgspec

PACKAGES = ("jax", "jaxlib", "keras", "numpy")
"""The packages that decide the bits of a result, beside this one."""

NATIVE = "native"
"""The key of the kind of processor whose C++ runs the recurrence, which decides the bits too. Absent without it."""


class Environment(msgspec.Struct, frozen=True):
    """Where it ran."""

    device: str
    packages: dict[str, str]
    """Versions, Python's among them."""
    commit: str | None
    """The git commit that was checked out in the working directory, if it is in a repository."""


def environment() -> Environment:
    """Return the environment of this process, in its working directory."""
    from memoryspan.engine import native_target

    packages = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    if target := native_target():
        packages[NATIVE] = target
    return Environment(_device(), packages, commit(Path.cwd()))


def difference(before: Environment, now: Environment) -> str | None:
    """Return which of the things that decide the last bits of a result have changed; None if none has."""
    pairs = [("device", before.device, now.device)]
    pairs += [(name, before.packages.get(name), now.packages.get(name)) for name in (*PACKAGES, NATIVE)]
    changed = [f"{name} {old} → {new}" for name, old, new in pairs if old != new]
    return ", ".join(changed) or None


def commit(directory: Path) -> str | None:
    """Return the git commit checked out in `directory`; None without git, a repository or a commit."""
    try:
        found = subprocess.run(["git", "rev-parse", "--verify", "--quiet", "HEAD"], cwd=directory, capture_output=True)
    except OSError:
        return None
    return found.stdout.decode().strip() or None if found.returncode == 0 else None


def _device() -> str:
    from memoryspan.backend import jax

    device, *others = jax.devices()
    if device.platform != "cpu":
        return device.device_kind
    # Devices are cores to JAX, and sums over a batch that is split among them differ in the last bits.
    return f"{device.device_kind} ({platform.machine()}), {1 + len(others)} device{'s' if others else ''}"
