"""Start-up time: whole processes from start to exit, compared with a bare Python and a bare Keras."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory, TemporaryFile

import click

from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import WARM_UPS, Sample, Spread, interleaved
from tools.machine import this_machine

Peak = int | None
"""Bytes; None where it is not known."""

NAMES = {
    "python": "python -c pass",
    "keras": 'python -c "import keras"',
    "help": "memoryspan --help",
    "warm": "memoryspan train, warm",
    "cold": "memoryspan train, cold",
}


def _times(row: Row, of: str) -> str:
    return "" if row[of] is None else f"{row[of]:.1f}"


COLUMNS = {
    "process": lambda row: row["name"],
    "seconds": lambda row: f"{row['median']:.2f}",
    "range": lambda row: f"{row['least']:.2f} to {row['most']:.2f}",
    "/ python": lambda row: _times(row, "times_python"),
    "/ keras": lambda row: _times(row, "times_keras"),
    "MiB": lambda row: "" if row["peak"] is None else f"{row['peak'] / 2**20:,.0f}",
}


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Runs of each process.")
@click.option("--only", multiple=True, type=click.Choice([*NAMES]), help="Run only these; may be repeated.")
@report_options
def main(rounds: int, only: tuple[str, ...], as_json: bool, page: Path | None) -> None:
    """Measure the time of whole processes: the command line, cold and warm, compared with Python and Keras.

    Takes one to two minutes.

    Example: python -m benchmarks.startup --only python --only help
    """
    machine = this_machine()
    with TemporaryDirectory() as root:
        jobs = {name: job for name, job in processes(Path(root)).items() if not only or name in only}
        rows = waits(interleaved(jobs, rounds))
    deliver(Report("Start-up", summary(rows), method(rounds), rows, COLUMNS, machine), as_json, page)


def processes(root: Path) -> dict[str, Callable[[], Peak]]:
    """Return a job for each process; what they write goes into `root`."""
    numbers = count()

    def fresh() -> Path:
        return root / str(next(numbers))

    def train(cache: Path) -> Peak:
        return run(["-m", "memoryspan", "train", "--run", str(fresh())], cache)

    warm = fresh()
    return {
        "python": partial(run, ["-c", "pass"], warm),
        "keras": partial(run, ["-c", "import keras"], warm),
        "help": partial(run, ["-m", "memoryspan", "--help"], warm),
        "warm": partial(train, warm),
        "cold": lambda: train(fresh()),
    }


def run(arguments: list[str], cache: Path) -> Peak:
    """Run a program in Python, and return its peak memory.

    A child process starts as a copy of its parent, so its peak is at least the parent's, and is known only if it is
    more. For the same reason nothing large is imported here.
    """
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    environment |= {"KERAS_BACKEND": "jax", "MEMORYSPAN_COMPILE_CACHE": str(cache)}
    with TemporaryFile() as output:
        child = subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise click.ClickException(f"{' '.join(arguments)} failed:\n{output.read().decode()}")
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, the others KiB
    return usage.ru_maxrss * unit if usage.ru_maxrss > getrusage(RUSAGE_SELF).ru_maxrss else None


def waits(samples: dict[str, list[Sample[Peak]]]) -> list[Row]:
    """Return the seconds of each process, their ratios to the bare ones where those ran, and the highest peak."""
    spreads = {name: Spread.of(sample.seconds for sample in of_one) for name, of_one in samples.items()}

    def ratio(name: str, to: str) -> float | None:
        return spreads[name].median / spreads[to].median if to in spreads else None

    return [
        {
            "name": NAMES[name],
            **spread._asdict(),
            "times_python": ratio(name, "python"),
            "times_keras": ratio(name, "keras"),
            "peak": max((sample.value for sample in samples[name] if sample.value is not None), default=None),
        }
        for name, spread in spreads.items()
    ]


def summary(rows: list[Row]) -> str:
    """Return the time of each command."""
    ours = (row for row in rows if row["name"].startswith("memoryspan"))
    return "; ".join(f"{row['name']}: {row['median']:.2f} s" for row in ours) + "."


def method(rounds: int) -> str:
    """Return what is in the time."""
    return (
        f"Whole processes, from start to exit, in turn: {WARM_UPS} of each not counted, then {rounds}; medians, and "
        f"the peak memory. `train` solves the echo task with its defaults, writes its run into an empty directory, and "
        f"prints to a file. Warm: with a cache of compiled programs that the uncounted runs filled; cold: with an "
        f"empty one each time. All files are in the system's cache: a first start after boot takes longer."
    )


if __name__ == "__main__":
    main()
