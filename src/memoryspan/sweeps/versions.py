"""The versions of the packages that decide the bits of a result, which workers and checkpoints have to share."""

from importlib.metadata import version

from memoryspan._version import __version__
from memoryspan.environment import PACKAGES


def versions() -> dict[str, str]:
    """Return the versions of memoryspan and of the packages that decide the bits of a result; imports none of them."""
    return {"memoryspan": __version__} | {name: version(name) for name in PACKAGES}


def difference(ours: dict[str, str], theirs: dict[str, str]) -> str | None:
    """Return which packages are there in other versions than here; None if all are the same."""
    other = [name for name, there in theirs.items() if there != ours[name]]
    return ", ".join(f"{name} {theirs[name]} (here {ours[name]})" for name in other) or None
