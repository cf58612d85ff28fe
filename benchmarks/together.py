"""The cost of training several seeds together in one compiled program, compared with one by one."""

from pathlib import Path

import click

from benchmarks.implementations import UNITS, Work, engines, with_memoryspan
from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import WARM_UPS, Sample, Spread, interleaved
from memoryspan.tasks import Echo
from tools.machine import this_machine

SEEDS = (1, 4, 8, 16)

COLUMNS = {
    "trained by": lambda row: row["name"],
    "seeds": lambda row: str(row["seeds"]),
    "examples/s": lambda row: f"{row['median']:,.0f}",
    "all samples": lambda row: f"{row['least']:,.0f} to {row['most']:,.0f}",
    "time / one by one": lambda row: f"{row['times_alone']:.2f}",
}

Setup = tuple[str, int]
"""The engine, and the number of seeds."""


@click.command()
@click.option("--batch-size", default=32, show_default=True, type=click.IntRange(1))
@click.option("--length", default=50, show_default=True, type=click.IntRange(10), help="Time steps.")
@click.option("--batches", default=100, show_default=True, type=click.IntRange(1), help="Updates per sample.")
@click.option(
    "--rounds", default=10, show_default=True, type=click.IntRange(1), help="Samples of each number of seeds."
)
@report_options
def main(batch_size: int, length: int, batches: int, rounds: int, as_json: bool, page: Path | None) -> None:
    """Measure examples per second where 1, 4, 8 and 16 seeds train together.

    Takes about a minute.

    Example: python -m benchmarks.together --length 500 --batches 10
    """
    work, machine = Work(Echo(length), batch_size, batches), this_machine()
    jobs = {(engine, seeds): with_memoryspan(work, engine, seeds) for engine in engines() for seeds in SEEDS}
    rows = costs(interleaved(jobs, rounds))
    title = f"Seeds together, batch {batch_size}, length {length}"
    deliver(Report(title, summary(rows), method(work, rounds), rows, COLUMNS, machine), as_json, page)


def costs(samples: dict[Setup, list[Sample[int]]]) -> list[Row]:
    """Return examples per second of all seeds, and their time relative to that of one seed after the other."""
    spreads = {
        setup: Spread.of(sample.value / sample.seconds for sample in of_one) for setup, of_one in samples.items()
    }
    return [
        {
            "name": name,
            "seeds": seeds,
            **spread._asdict(),
            "times_alone": spreads[name, 1].median / spread.median,
        }
        for (name, seeds), spread in spreads.items()
    ]


def summary(rows: list[Row]) -> str:
    """Return the cost of eight seeds."""
    eight = (f"{row['times_alone']:.2f} with {row['name']}" for row in rows if row["seeds"] == 8)
    return f"Time of eight seeds together, relative to eight trainings one by one: {', '.join(eight)}."


def method(work: Work, rounds: int) -> str:
    """Return what is in the time."""
    return (
        f"LSTM({UNITS}) and a dense layer on 100 symbols, batches of {work.batch_size}, all sequences "
        f"{work.task.length} long, on the processor: what `memoryspan span` runs to train its seeds. Samples of "
        f"{work.batches} updates of every seed, in turn: {WARM_UPS} of each not counted, then {rounds}; medians. "
        f"One by one is one seed alone."
    )


if __name__ == "__main__":
    main()
