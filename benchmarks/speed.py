"""Examples a second at the full length: forward, backward and update, beside Keras and PyTorch."""

from pathlib import Path

import click

from benchmarks.contestants import NATIVE, OURS, STEPS_PER_EXECUTION, UNITS, Work, contestants
from benchmarks.limit import LIMIT, SIZE
from benchmarks.machine import this_machine
from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import WARM_UPS, Lap, Spread, interleaved
from memoryspan.tasks import Echo

NO_PEER = (OURS, NATIVE, LIMIT)

COLUMNS = {
    "trained by": lambda row: row["name"],
    "examples/s": lambda row: f"{row['median']:,.0f}",
    "all laps": lambda row: f"{row['least']:,.0f} to {row['most']:,.0f}",
    "/ best peer": lambda row: f"{row['ratio']:.2f}",
    "of the limit": lambda row: f"{100 * row['of_limit']:.0f} %",
}


@click.command()
@click.option("--batch-size", default=128, show_default=True, type=click.IntRange(1))
@click.option(
    "--length",
    default=50,
    show_default=True,
    type=click.IntRange(10),
    help="Time steps; fewer than 10 would be learned on the way, which ends a training.",
)
@click.option("--batches", default=100, show_default=True, type=click.IntRange(1), help="Updates of a lap.")
@click.option("--rounds", default=10, show_default=True, type=click.IntRange(1), help="Laps of each contestant.")
@report_options
def main(batch_size: int, length: int, batches: int, rounds: int, as_json: bool, page: Path | None) -> None:
    """Measures examples a second: this package, Keras and PyTorch, in turn.

    Takes about a minute, and 1.5 GB of memory: most is the data of the peers, and grows with length and batches.

    Example: python -m benchmarks.speed --length 200 --batches 25
    """
    work, machine = Work(Echo(length), batch_size, batches), this_machine()
    laps = interleaved(contestants(work), rounds)
    if not any(name.startswith("PyTorch") for name in laps):
        click.echo('PyTorch is not installed, and left out: pip install ".[bench]"', err=True)
    rows = speeds(laps)
    title = f"Speed at batch {batch_size}, length {length}"
    deliver(Report(title, summary(rows), method(work, rounds), rows, COLUMNS, machine), as_json, page)


def speeds(laps: dict[str, list[Lap[int]]]) -> list[Row]:
    """Examples a second of each contestant; the ratio of its median to that of the fastest peer, and to the limit's."""
    rates = {name: [lap.value / lap.seconds for lap in of_one] for name, of_one in laps.items()}
    spreads = {name: Spread.of(of_one) for name, of_one in rates.items()}
    fastest = max(spread.median for name, spread in spreads.items() if name not in NO_PEER)
    limit = spreads[LIMIT].median
    return [
        {
            "name": name,
            **spread._asdict(),
            "ratio": spread.median / fastest,
            "of_limit": spread.median / limit,
            "laps": rates[name],
        }
        for name, spread in spreads.items()
    ]


def summary(rows: list[Row]) -> str:
    """Who is how fast."""
    ours = {row["name"]: row["ratio"] for row in rows if row["name"] in (OURS, NATIVE)}
    peer = max((row for row in rows if row["name"] not in NO_PEER), key=lambda row: row["median"])
    in_cpp = f", and with {NATIVE} at {ours[NATIVE]:.2f} times" if NATIVE in ours else ""
    return f"{OURS} trains at {ours[OURS]:.2f} times the speed of its fastest peer here, {peer['name']}{in_cpp}."


def method(work: Work, rounds: int) -> str:
    """What was measured, and what was granted to whom."""
    n_features = work.task.n_features
    return (
        f"LSTM({UNITS}) and a dense layer on {n_features} symbols, all sequences {work.task.length} long: forward, "
        f"backward and an Adam update, on the processor. Laps of {work.batches} updates, in turn, in one process: "
        f"{WARM_UPS} of each not counted, then {rounds}; medians. memoryspan runs what `memoryspan train` runs, and "
        f"makes its examples and measures its accuracy within the time. The peers find theirs in memory, as 32-bit "
        f"one-hot rows, and measure none: Keras on JAX in one `fit` a lap, unshuffled, as it is and with "
        f"{STEPS_PER_EXECUTION} steps an execution; PyTorch's `nn.LSTM` with time first and a fused Adam, with one "
        f"thread and with as many as it takes by itself. PyTorch has a second bias, {4 * UNITS} parameters more. The "
        f"limit is for how many examples the machine does the {work.multiply_adds:,} multiply-adds that the products "
        f"of matrices take in one (look-up, gates, optimizer and all else not counted), in NumPy's products of "
        f"{SIZE:,} x {SIZE:,} 32-bit floats, in laps of the same rounds."
    )


if __name__ == "__main__":
    main()
