"""Examples per second at the full length, compared with Keras and PyTorch: forward, backward and update."""

from pathlib import Path

import click

from benchmarks.implementations import NATIVE, OURS, STEPS_PER_EXECUTION, UNITS, Work, implementations
from benchmarks.limit import LIMIT, SIZE
from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import WARM_UPS, Sample, Spread, interleaved
from memoryspan.tasks import Echo
from tools.machine import this_machine

NOT_OTHERS = (OURS, NATIVE, LIMIT)

COLUMNS = {
    "trained by": lambda row: row["name"],
    "examples/s": lambda row: f"{row['median']:,.0f}",
    "all samples": lambda row: f"{row['least']:,.0f} to {row['most']:,.0f}",
    "/ fastest other": lambda row: f"{row['ratio']:.2f}",
    "of limit": lambda row: f"{100 * row['of_limit']:.0f} %",
}


@click.command()
@click.option("--batch-size", default=128, show_default=True, type=click.IntRange(1))
@click.option(
    "--length",
    default=50,
    show_default=True,
    type=click.IntRange(10),
    help="Time steps; at fewer than 10 the task would be solved, which ends a training.",
)
@click.option("--batches", default=100, show_default=True, type=click.IntRange(1), help="Updates per sample.")
@click.option("--rounds", default=10, show_default=True, type=click.IntRange(1), help="Samples of each implementation.")
@report_options
def main(batch_size: int, length: int, batches: int, rounds: int, as_json: bool, page: Path | None) -> None:
    """Measure examples per second: memoryspan, Keras and PyTorch, in turn.

    Takes about a minute and 1.5 GB of memory, most of it the data of the other libraries.

    Example: python -m benchmarks.speed --length 200 --batches 25
    """
    work, machine = Work(Echo(length), batch_size, batches), this_machine()
    samples = interleaved(implementations(work), rounds)
    if not any(name.startswith("PyTorch") for name in samples):
        click.echo('PyTorch is not installed and is left out. To include it: pip install ".[bench]"', err=True)
    rows = speeds(samples)
    title = f"Speed at batch {batch_size}, length {length}"
    deliver(Report(title, summary(rows), method(work, rounds), rows, COLUMNS, machine), as_json, page)


def speeds(samples: dict[str, list[Sample[int]]]) -> list[Row]:
    """Return examples per second, and the ratios of the medians to the fastest other library and to the limit."""
    rates = {name: [sample.value / sample.seconds for sample in of_one] for name, of_one in samples.items()}
    spreads = {name: Spread.of(of_one) for name, of_one in rates.items()}
    fastest = max(spread.median for name, spread in spreads.items() if name not in NOT_OTHERS)
    limit = spreads[LIMIT].median
    return [
        {
            "name": name,
            **spread._asdict(),
            "ratio": spread.median / fastest,
            "of_limit": spread.median / limit,
            "samples": rates[name],
        }
        for name, spread in spreads.items()
    ]


def summary(rows: list[Row]) -> str:
    """Return the speed of memoryspan relative to the fastest other library."""
    ours = {row["name"]: row["ratio"] for row in rows if row["name"] in (OURS, NATIVE)}
    fastest = max((row for row in rows if row["name"] not in NOT_OTHERS), key=lambda row: row["median"])
    in_cpp = f", and {NATIVE} at {ours[NATIVE]:.2f} times" if NATIVE in ours else ""
    return f"{OURS} trains at {ours[OURS]:.2f} times the speed of the fastest other library, {fastest['name']}{in_cpp}."


def method(work: Work, rounds: int) -> str:
    """Return what was measured, and how each library was set up."""
    n_features = work.task.n_features
    return (
        f"LSTM({UNITS}) and a dense layer on {n_features} symbols, all sequences {work.task.length} long: forward, "
        f"backward and an Adam update, on the processor. Samples of {work.batches} updates, in turn, in one process: "
        f"{WARM_UPS} of each not counted, then {rounds}; medians. memoryspan runs what `memoryspan train` runs, and "
        f"draws its examples and measures its accuracy within the time. The other libraries find theirs in memory, as "
        f"32-bit one-hot rows, and measure no accuracy: Keras on JAX in one `fit` per sample, unshuffled, with 1 and "
        f"with {STEPS_PER_EXECUTION} steps per execution; PyTorch's `nn.LSTM` with time first and a fused Adam, with "
        f"one thread and with its default number of threads. PyTorch has a second bias, {4 * UNITS} parameters more. "
        f"The limit is the number of examples whose matrix products ({work.multiply_adds:,} multiply-adds each; "
        f"embedding, gates and optimizer not counted) the machine does per second, in NumPy's products of {SIZE:,} x "
        f"{SIZE:,} 32-bit floats, measured in the same rounds."
    )


if __name__ == "__main__":
    main()
