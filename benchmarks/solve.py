"""The examples, updates and seconds that solving the echo task takes, over seeds; with the curriculum and without."""

from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import Spread, progress
from memoryspan.accuracy import Accuracy
from memoryspan.backend import keras
from memoryspan.errors import MemoryspanError
from memoryspan.models import lstm
from memoryspan.stats import percent, wilson
from memoryspan.tasks import Echo
from memoryspan.training import Budget, Curriculum, TrainConfig, UniformLengths, train
from memoryspan.training.config import EXAMPLES
from tools.machine import Machine, this_machine

LEARNING_RATE = 2e-2
"""That of `memoryspan train`."""

WITHOUT_CURRICULUM = "100k"
"""The budget of a seed without the curriculum, all of which is spent; with it, 10k are enough at length 50."""

FIGURES = {"examples": "{:,.0f}", "updates": "{:,.0f}", "seconds": "{:.2f}"}
"""The figures of a training, and their formats."""

COLUMNS = {
    "to solved": lambda row: row["name"],
    "median": lambda row: FIGURES[row["name"]].format(row["median"]),
    "least": lambda row: FIGURES[row["name"]].format(row["least"]),
    "most": lambda row: FIGURES[row["name"]].format(row["most"]),
}


@dataclass(frozen=True)
class Setup:
    """How all seeds are trained; they differ in their weights and in their examples."""

    length: int
    learning_rate: float | None
    curriculum: bool
    budget: Budget

    @property
    def task(self) -> Echo:
        """The echo task."""
        return Echo(self.length)

    @property
    def title(self) -> str:
        """The title of its section, which names every setting."""
        order = "with" if self.curriculum else "without"
        rate = "as the tutorial compiles it" if self.learning_rate is None else f"learning rate {self.learning_rate:g}"
        return f"Echo at length {self.length}, LSTM(25), {rate}, {order} the curriculum"

    def model(self, seed: int) -> keras.Model:
        """Return a new compiled model."""
        if self.learning_rate is not None:
            return lstm(self.task, learning_rate=self.learning_rate, seed=seed)
        model = lstm(self.task, seed=seed)
        model.compile("adam", self.task.loss, metrics=["accuracy"])
        return model


@click.command()
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(1), help="Trainings, from seed 0 on.")
@click.option("--length", default=50, show_default=True, type=click.IntRange(3), help="Time steps.")
@click.option(
    "--learning-rate", type=click.FloatRange(0, min_open=True), help=f"The rate of Adam.  [default: {LEARNING_RATE}]"
)
@click.option("--plain", is_flag=True, help='The tutorial\'s own compile: "adam", so 0.001, and no clipping.')
@click.option("--no-curriculum", is_flag=True, help="All examples at the full length.")
@click.option(
    "--budget",
    help=f"Per seed: 200k, 5Mtokens.  [default: that of `train`; {WITHOUT_CURRICULUM} without the curriculum]",
)
@report_options
def main(
    seeds: int,
    length: int,
    learning_rate: float | None,
    plain: bool,
    no_curriculum: bool,
    budget: str | None,
    as_json: bool,
    page: Path | None,
) -> None:
    """Measure how many examples LSTM(25) needs to solve the echo task, over seeds.

    Takes about a minute, or a few with --plain or --no-curriculum.

    Example: python -m benchmarks.solve --plain --seeds 5
    """
    if plain and learning_rate is not None:
        raise click.UsageError("--plain sets the learning rate itself. Leave out --plain or --learning-rate.")
    rate = None if plain else learning_rate or LEARNING_RATE
    setup = Setup(length, rate, not no_curriculum, limit(budget, not no_curriculum))
    machine = this_machine()
    outcomes = [outcome(setup, seed) for seed in progress(range(seeds), "Seeds")]
    deliver(report(setup, outcomes, machine), as_json, page)


def limit(budget: str | None, curriculum: bool) -> Budget:
    """Return the budget of the command line, or the default."""
    if budget is None:
        return Budget() if curriculum else Budget.parse(WITHOUT_CURRICULUM)
    try:
        return Budget.parse(budget)
    except MemoryspanError as error:
        raise click.BadParameter(str(error), param_hint="--budget") from error


def outcome(setup: Setup, seed: int) -> Row:
    """Train one seed, and return how it ended."""
    order = Curriculum() if setup.curriculum else UniformLengths(setup.length)
    result = train(setup.model(seed), setup.task, seed=seed, budget=setup.budget, schedule=order)
    last, accuracy = result.history[-1], result.accuracy
    if accuracy is None:  # `train` keeps Ctrl-C to itself
        raise click.Abort
    return {
        "seed": seed,
        "status": result.status.value,
        "examples": last.examples,
        "updates": last.updates,
        "seconds": last.seconds,
        "n_correct": accuracy.n_correct,
        "evaluated": accuracy.examples,
    }


def report(setup: Setup, outcomes: list[Row], machine: Machine) -> Report:
    """Return the spread over the solved seeds, and the accuracy of all."""
    solved = [row for row in outcomes if row["status"] == "solved"]
    rows = [{"name": name, **Spread.of(row[name] for row in solved)._asdict()} for name in FIGURES] if solved else []
    return Report(
        title=setup.title,
        summary=summary(setup, outcomes, len(solved)),
        method=method(setup),
        rows=rows,
        columns=COLUMNS,
        machine=machine,
        details={"solved": len(solved), "seeds": outcomes},
    )


def summary(setup: Setup, outcomes: list[Row], solved: int) -> str:
    """Return how many seeds were solved, and the accuracy of all at the end."""
    low, high = wilson(solved, len(outcomes))
    n_correct, examples = sum(row["n_correct"] for row in outcomes), sum(row["evaluated"] for row in outcomes)
    accuracy = Accuracy(n_correct, examples, setup.length, setup.task.chance)
    return (
        f"{solved} of {len(outcomes)} seeds solved (95 % interval {percent(low)} to {percent(high)}). "
        f"Accuracy at the full length, over all seeds: {accuracy}."
    )


def method(setup: Setup) -> str:
    """Return what counts as solved, and what is in the time."""
    limits = [f"{value:,} {name}" for name, value in vars(setup.budget).items() if value is not None]
    defaults = TrainConfig()
    return (
        f"Batches of {defaults.batch_size}; at most {' and '.join(limits)} per seed; each seed has its own weights and "
        f"examples. Solved: the lower end of the 95 % interval of the accuracy on {EXAMPLES:,} fresh examples of "
        f"the full length is at least {percent(defaults.threshold)}. Seconds are those of training, without "
        f"compiling and evaluating."
    )


if __name__ == "__main__":
    main()
