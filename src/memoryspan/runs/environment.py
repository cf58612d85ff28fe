"""Where a training runs: device, versions, commit."""

import platform
from importlib.metadata import version
from pathlib import Path

from memoryspan.runs.record import Environment

PACKAGES = ("jax", "jaxlib", "keras", "numpy")
"""The packages that decide the bits of a result, beside this one."""

NATIVE = "native"
"""The key of the kind of processor whose C++ runs the recurrence, which decides the bits too. Absent without it."""


def environment() -> Environment:
    """Of this process, in its working directory."""
    from memoryspan.engine import native_target

    packages = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    if target := native_target():
        packages[NATIVE] = target
    return Environment(_device(), packages, commit(Path.cwd()))


def difference(before: Environment, now: Environment) -> str | None:
    """What is not as it was, of the things that decide the last bits of a result; None if all is."""
    pairs = [("device", before.device, now.device)]
    pairs += [(name, before.packages.get(name), now.packages.get(name)) for name in (*PACKAGES, NATIVE)]
    changed = [f"{name} {old} → {new}" for name, old, new in pairs if old != new]
    return ", ".join(changed) or None


def commit(directory: Path) -> str | None:
    """The commit checked out in the repository around `directory`, read from its files; None without one."""
    inside = (parent / ".git" for parent in (directory, *directory.parents))
    git = next((path for path in inside if path.exists()), None)
    try:
        return _head(git) if git else None
    except (OSError, UnicodeError):
        return None


def _head(git: Path) -> str | None:
    """What HEAD points to (gitrepository-layout(5)): `.git` may be a file that points to a linked worktree's."""
    if git.is_file():
        git = git.parent / git.read_text().removeprefix("gitdir:").strip()
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    name, common = head.removeprefix("ref: "), git / "commondir"
    shared = git / common.read_text().strip() if common.exists() else git
    if (shared / name).exists():
        return (shared / name).read_text().strip()
    packed = (line.split(" ") for line in (shared / "packed-refs").read_text().splitlines())
    return next((fields[0] for fields in packed if fields[1:] == [name]), None)


def _device() -> str:
    from memoryspan.backend import jax

    device, *others = jax.devices()
    if device.platform != "cpu":
        return device.device_kind
    # Devices are cores to JAX, and sums over a batch that is split among them differ in the last bits.
    return f"{device.device_kind} ({platform.machine()}), {1 + len(others)} device{'s' if others else ''}"
