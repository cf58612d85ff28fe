"""The machine on which figures are measured."""

import os
import platform
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import memoryspan
from memoryspan.machine import cores

PACKAGES = ("jax", "keras", "numpy", "torch")
"""The packages whose versions matter, where they are installed."""


@dataclass(frozen=True)
class Machine:
    """A machine and its software. `load` is the mean number of processes that were ready to run in the last minute."""

    processor: str
    cores: int
    """The cores that this process may use."""
    all_cores: int
    memory_gib: float
    system: str
    python: str
    packages: dict[str, str]
    load: float
    date: str

    def __str__(self) -> str:
        return f"{self.date}, {self.setting}; load before the first round: {self.load:.2f}."

    @property
    def setting(self) -> str:
        """The machine without the date and the load, for what was measured here at another time."""
        packages = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        of = f" of {self.all_cores}" * (self.cores < self.all_cores)
        cores = f"{self.cores}{of} core{'s' * (self.all_cores > 1)}"
        return (
            f"{self.processor}, {cores}, {self.memory_gib:.0f} GiB of memory, {self.system}, "
            f"Python {self.python}, {packages}"
        )


def this_machine() -> Machine:
    """Return the machine as it is now. Call it before measuring, which is load as well."""
    return Machine(
        processor=_processor(),
        cores=len(cores()),
        all_cores=os.cpu_count() or 1,
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={"memoryspan": memoryspan.__version__} | _installed(),
        load=os.getloadavg()[0],
        date=date.today().isoformat(),
    )


def _processor() -> str:
    """Return the name of the processor, which only Linux has in a file; elsewhere what Python calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _installed() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
