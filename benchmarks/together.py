"""What several seeds cost that train together, in one compiled program, beside as many trainings one by one."""

from pathlib import Path

import click

from benchmarks.contestants import NATIVE, OURS, UNITS, Work, with_memoryspan
from benchmarks.machine import this_machine
from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import WARM_UPS, Lap, Spread, interleaved
from memoryspan.engine.native import native_target
from memoryspan.tasks import Echo

SEEDS = (1, 4, 8, 16)

COLUMNS = {
    "trained by": lambda row: row["name"],
    "seeds": lambda row: str(row["seeds"]),
    "examples/s": lambda row: f"{row['median']:,.0f}",
    "all laps": lambda row: f"{row['least']:,.0f} to {row['most']:,.0f}",
    "time / one by one": lambda row: f"{row['times_alone']:.2f}",
}

Contestant = tuple[str, int]
"""Who, and how many seeds."""


@click.command()
@click.option("--batch-size", default=32, show_default=True, type=click.IntRange(1))
@click.option("--length", default=50, show_default=True, type=click.IntRange(10), help="Time steps.")
@click.option("--batches", default=100, show_default=True, type=click.IntRange(1), help="Updates of a lap.")
@click.option("--rounds", default=10, show_default=True, type=click.IntRange(1), help="Laps of each number of seeds.")
@report_options
def main(batch_size: int, length: int, batches: int, rounds: int, as_json: bool, page: Path | None) -> None:
    """Measures examples a second where 1, 4, 8 and 16 seeds train together.

    Takes about a minute.

    Example: python -m benchmarks.together --length 500 --batches 10
    """
    work, machine = Work(Echo(length), batch_size, batches), this_machine()
    names = {OURS: "off"} | ({NATIVE: "on"} if native_target() else {})
    everyone = [(name, seeds) for name in names for seeds in SEEDS]
    laps = interleaved({(name, seeds): with_memoryspan(work, names[name], seeds) for name, seeds in everyone}, rounds)
    rows = costs(laps)
    title = f"Seeds together, batch {batch_size}, length {length}"
    deliver(Report(title, summary(rows), method(work, rounds), rows, COLUMNS, machine), as_json, page)


def costs(laps: dict[Contestant, list[Lap[int]]]) -> list[Row]:
    """Examples a second of all seeds, and the time that they take over that of one seed after the other."""
    spreads = {contestant: Spread.of(lap.value / lap.seconds for lap in of_one) for contestant, of_one in laps.items()}
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
    """The cost of eight."""
    eight = (f"{row['times_alone']:.2f} with {row['name']}" for row in rows if row["seeds"] == 8)
    return f"Eight seeds together take so much of the time of eight trainings one by one: {', '.join(eight)}."


def method(work: Work, rounds: int) -> str:
    """What is in the time."""
    return (
        f"LSTM({UNITS}) and a dense layer on 100 symbols, batches of {work.batch_size}, all sequences "
        f"{work.task.length} long, on the processor: what `memoryspan span` runs to train its seeds. Laps of "
        f"{work.batches} updates of every seed, in turn: {WARM_UPS} of each not counted, then {rounds}; medians. One "
        f"by one is one seed alone."
    )


if __name__ == "__main__":
    main()
