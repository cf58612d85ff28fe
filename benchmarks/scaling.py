"""How training scales with the length of the sequences: seconds per token, and memory."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click

from benchmarks.implementations import UNITS, Job, Work, engines, with_memoryspan
from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import WARM_UPS, Sample, Spread, interleaved, progress
from memoryspan.tasks import Echo
from tools.machine import this_machine

BATCH_SIZE = 32
"""The default of `memoryspan train`."""

LENGTHS = (100, 1_000, 10_000, 100_000)

COLUMNS = {
    "trained by": lambda row: row["name"],
    "length": lambda row: f"{row['length']:,}",
    "ns per token": lambda row: f"{1e9 * row['median']:.0f}",
    "all samples": lambda row: f"{1e9 * row['least']:.0f} to {1e9 * row['most']:.0f}",
    "/ shortest": lambda row: f"{row['times_shortest']:.2f}",
    "MiB": lambda row: "" if row["peak"] is None else f"{row['peak'] / 2**20:,.0f}",
}

Setup = tuple[str, int]
"""The engine, and the length."""


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Samples at each length.")
@click.option("--max-length", default=LENGTHS[-1], show_default=True, type=click.IntRange(LENGTHS[0]))
@report_options
def main(rounds: int, max_length: int, as_json: bool, page: Path | None) -> None:
    """Measure time per token and memory of training, at lengths of 100 to 100,000.

    Takes about three minutes and 1.5 GB of memory.

    Example: python -m benchmarks.scaling --max-length 10000
    """
    machine = this_machine()
    lengths = [length for length in LENGTHS if length <= max_length]
    setups = [(engine, length) for engine in engines() for length in lengths]
    samples = interleaved({setup: job(setup, lengths[-1]) for setup in setups}, rounds)
    rows = costs(samples, {setup: peak_of(setup) for setup in progress(setups, "Memory")})
    deliver(Report("Scaling with the length", summary(rows), method(rounds), rows, COLUMNS, machine), as_json, page)


def job(setup: Setup, max_length: int) -> Job:
    """Return a job with about as many tokens as one update at the longest length; at least a chunk."""
    engine, length = setup
    return with_memoryspan(Work(Echo(length), BATCH_SIZE, max(1, max_length // length)), engine)


def peak_of(setup: Setup) -> int | None:
    """Return the peak memory, in bytes, of a separate process that trains a chunk; None where it is not known."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_peak, setup).result()


def _peak(setup: Setup) -> int | None:
    job(setup, max_length=setup[1])()
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), None)


def costs(samples: dict[Setup, list[Sample[int]]], peaks: dict[Setup, int | None]) -> list[Row]:
    """Return seconds per token at each length, and their ratio to those at the shortest."""
    spreads = {
        (name, length): Spread.of(sample.seconds / (sample.value * length) for sample in of_one)
        for (name, length), of_one in samples.items()
    }
    min_length = min(length for _, length in samples)
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
    """Return the cost at the longest length relative to the shortest."""
    lengths = [row["length"] for row in rows]
    ends = [f"{row['name']} {row['times_shortest']:.2f}" for row in rows if row["length"] == max(lengths)]
    return f"Time per token at length {max(lengths):,}, relative to {min(lengths):,}: {', '.join(ends)}."


def method(rounds: int) -> str:
    """Return what is in the time and in the memory."""
    return (
        f"LSTM({UNITS}) and a dense layer on 100 symbols, batches of {BATCH_SIZE}, all sequences of one length, on "
        f"the processor: what `memoryspan train` runs, with what it checks after each chunk of updates. Samples of "
        f"about equally many tokens, in turn: {WARM_UPS} of each not counted, then {rounds}; medians. Memory is the "
        f"peak of a separate process, Python and its packages included."
    )


if __name__ == "__main__":
    main()
