"""How training scales with the length of the sequences: seconds for each of their tokens, and memory."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click

from benchmarks.contestants import NATIVE, OURS, UNITS, Job, Work, with_memoryspan
from benchmarks.machine import this_machine
from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import WARM_UPS, Lap, Spread, interleaved, progress
from memoryspan.engine.native import native_target
from memoryspan.tasks import Echo

BATCH_SIZE = 32
"""The default of `memoryspan train`."""

LENGTHS = (100, 1_000, 10_000, 100_000)

COLUMNS = {
    "trained by": lambda row: row["name"],
    "length": lambda row: f"{row['length']:,}",
    "ns a token": lambda row: f"{1e9 * row['median']:.0f}",
    "all laps": lambda row: f"{1e9 * row['least']:.0f} to {1e9 * row['most']:.0f}",
    "/ shortest": lambda row: f"{row['times_shortest']:.2f}",
    "MiB": lambda row: "" if row["peak"] is None else f"{row['peak'] / 2**20:,.0f}",
}

Contestant = tuple[str, int]
"""Who, and at which length."""


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Laps at each length.")
@click.option("--max-length", default=LENGTHS[-1], show_default=True, type=click.IntRange(LENGTHS[0]))
@report_options
def main(rounds: int, max_length: int, as_json: bool, page: Path | None) -> None:
    """Measures the seconds that a token takes in training, and the memory, at lengths of 100 to 100,000.

    Takes some three minutes, and 1.5 GB of memory.

    Example: python -m benchmarks.scaling --max-length 10000
    """
    machine = this_machine()
    lengths = [length for length in LENGTHS if length <= max_length]
    names = [OURS, NATIVE] if native_target() else [OURS]
    everyone = [(name, length) for name in names for length in lengths]
    laps = interleaved({contestant: job(contestant, lengths[-1]) for contestant in everyone}, rounds)
    peaks = {everyone[i]: peak_of(everyone[i]) for i in progress(range(len(everyone)), "Memory")}
    rows = costs(laps, peaks)
    deliver(Report("Scaling with the length", summary(rows), method(rounds), rows, COLUMNS, machine), as_json, page)


def job(contestant: Contestant, max_length: int) -> Job:
    """At least as many updates as have the tokens of one at the longest length; no less than a chunk."""
    name, length = contestant
    work = Work(Echo(length), BATCH_SIZE, max(1, max_length // length))
    return with_memoryspan(work, "on" if name == NATIVE else "off")


def peak_of(contestant: Contestant) -> int | None:
    """The most memory, in bytes, of a process of its own that makes a chunk; None where the system does not tell."""
    with ProcessPoolExecutor(1, get_context("spawn")) as own:
        return own.submit(_peak, contestant).result()


def _peak(contestant: Contestant) -> int | None:
    job(contestant, max_length=contestant[1])()
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), None)


def costs(laps: dict[Contestant, list[Lap[int]]], peaks: dict[Contestant, int | None]) -> list[Row]:
    """Seconds a token of each at each length, and their ratio to those at the shortest."""
    spreads = {
        (name, length): Spread.of(lap.seconds / (lap.value * length) for lap in of_one)
        for (name, length), of_one in laps.items()
    }
    min_length = min(length for _, length in laps)
    return [
        {
            "name": name,
            "length": length,
            **spread._asdict(),
            "times_shortest": spread.median / spreads[name, min_length].median,
            "peak": peaks[name, length],
        }
        for (name, length), spread in spreads.items()
    ]


def summary(rows: list[Row]) -> str:
    """What the longest costs beside the shortest."""
    lengths = [row["length"] for row in rows]
    ends = [f"{row['name']} {row['times_shortest']:.2f}" for row in rows if row["length"] == max(lengths)]
    return f"A token at length {max(lengths):,} costs so many times one at {min(lengths):,}: {', '.join(ends)}."


def method(rounds: int) -> str:
    """What is in the time, and in the memory."""
    return (
        f"LSTM({UNITS}) and a dense layer on 100 symbols, batches of {BATCH_SIZE}, all sequences of one length, on "
        f"the processor: what `memoryspan train` runs, its look after each chunk of updates included. Laps of about "
        f"equally many tokens, in turn: {WARM_UPS} of each not counted, then {rounds}; medians. Memory is the peak of "
        f"a process of its own, Python and its packages included."
    )


if __name__ == "__main__":
    main()
