"""What it takes to learn the adding problem, to one and the same goal: this package beside NumPy, Keras and PyTorch."""

import math
from pathlib import Path

import click

from benchmarks.contestants import NATIVE, OURS, STEPS_PER_EXECUTION
from benchmarks.learners import (
    BATCH_SIZE,
    CLIPNORM,
    CURRICULUM,
    FULL,
    KERAS,
    LEARNING_RATE,
    NUMPY,
    OUR_LEARNING_RATE,
    PYTORCH,
    SHARE,
    UNITS,
    Look,
    Question,
    contestants,
    reached,
)
from benchmarks.machine import Machine, this_machine
from benchmarks.report import Report, Row, deliver, report_options
from benchmarks.rounds import Spread, progress
from memoryspan.stats import percent
from memoryspan.tasks import Adding
from memoryspan.training.settings import EXAMPLES

COLUMNS = {
    "trained by": lambda row: row["name"],
    "there": lambda row: f"{row['reached']}/{row['seeds']}",
    "examples": lambda row: _shown(row["examples"], ",.0f"),
    "seconds": lambda row: _shown(row["seconds"], ".2f"),
    "all seeds": lambda row: f"{row['least']:.2f} to {row['most']:.2f}",
    "x NumPy": lambda row: _shown(row["times_numpy"], ".1f"),
    "x best": lambda row: _shown(row["times_framework"], ".1f"),
}


@click.command()
@click.option(
    "--seeds", default=3, show_default=True, type=click.IntRange(1), help="Trainings of each, from seed 0 on."
)
@click.option("--length", default=100, show_default=True, type=click.IntRange(2), help="Time steps.")
@click.option("--budget", default=1_000_000, show_default=True, type=click.IntRange(1), help="Examples of a training.")
@click.option("--every", default=100, show_default=True, type=click.IntRange(1), help="Updates between two looks.")
@report_options
def main(seeds: int, length: int, budget: int, every: int, as_json: bool, page: Path | None) -> None:
    """Measures what this package, NumPy, Keras and PyTorch need to learn the adding problem, in turn.

    Takes about a minute.

    Example: python -m benchmarks.peers --length 200 --seeds 5
    """
    question, machine = Question(Adding(length), every, budget), this_machine()
    everyone = contestants(question.task)
    if PYTORCH not in everyone:
        click.echo('PyTorch is not installed, and left out: pip install ".[bench]"', err=True)
    for contestant in everyone.values():  # compiles, and fills the caches
        next(contestant(question, 0))
    trainings = [
        training(name, seed, *reached(contestant(question, seed), needed()))
        for seed in progress(range(seeds), "Seeds")
        for name, contestant in everyone.items()
    ]
    deliver(report(question, trainings, machine), as_json, page)


def needed() -> int:
    """Right answers out of `EXAMPLES` that reach the goal."""
    return math.ceil(SHARE * EXAMPLES)


def training(name: str, seed: int, success: bool, look: Look) -> Row:
    """How one ended."""
    return {"name": name, "seed": seed, "reached": success, **look._asdict()}


def report(question: Question, trainings: list[Row], machine: Machine) -> Report:
    """One row for each contestant; every training in the details."""
    rows = compared(trainings)
    return Report(
        title=f"Adding at length {question.task.length}, beside NumPy, Keras and PyTorch",
        summary=summary(rows),
        method=method(question),
        rows=rows,
        columns=COLUMNS,
        machine=machine,
        details={"trainings": trainings},
    )


def compared(trainings: list[Row]) -> list[Row]:
    """Medians, where a training that fell short counts as slower than any other; None where that is the median."""
    names = list(dict.fromkeys(each["name"] for each in trainings))
    rows = [outcome(name, [each for each in trainings if each["name"] == name]) for name in names]
    return [
        row
        | {
            "times_numpy": _times(_of(rows, NUMPY), row),
            "times_framework": _times(faster_framework(rows), row),
        }
        for row in rows
    ]


def outcome(name: str, trainings: list[Row]) -> Row:
    """What a contestant took over its seeds."""
    spread = Spread.of(each["seconds"] for each in trainings)
    return {
        "name": name,
        "reached": sum(each["reached"] for each in trainings),
        "seeds": len(trainings),
        "examples": _median(trainings, "examples"),
        "seconds": _median(trainings, "seconds"),
        "least": spread.least,
        "most": spread.most,
        "examples_per_second": sum(each["examples"] for each in trainings) / sum(each["seconds"] for each in trainings),
    }


def faster_framework(rows: list[Row]) -> Row:
    """Keras or PyTorch, whichever took less time."""
    frameworks = [row for row in rows if row["name"] in (KERAS, PYTORCH)]
    return min(frameworks, key=lambda row: math.inf if row["seconds"] is None else row["seconds"])


def summary(rows: list[Row]) -> str:
    """How much sooner the better equipped of ours is there, and what of it the curriculum gives or takes."""
    ours = next(row for row in reversed(rows) if row["name"] in (OURS, NATIVE))
    full, framework = _of(rows, ours["name"] + FULL), faster_framework(rows)
    if any(row["seconds"] is None for row in (ours, full, _of(rows, NUMPY), framework)):
        there = (f"{row['name']} {row['reached']} of {row['seeds']}" for row in rows)
        return f"No ratio, for too few got there: {', '.join(there)}."
    return (
        f"{ours['name']} is there {ours['times_numpy']:.1f} times as fast as NumPy and {ours['times_framework']:.1f} "
        f"times as fast as the faster framework, {framework['name']}; without the curriculum "
        f"{full['times_numpy']:.1f} and {full['times_framework']:.1f} times, so that the curriculum and its recipe "
        f"make it {full['seconds'] / ours['seconds']:.1f} times as fast."
    )


def method(question: Question) -> str:
    """What counts, and what was granted to whom."""
    return (
        f"LSTM({UNITS}) and a linear answer, batches of {BATCH_SIZE}, Adam, gradients clipped at norm {CLIPNORM:g}, on "
        f"the processor. There: a look at {EXAMPLES:,} fresh examples of the full length finds {needed()} answers that "
        f"err by less than {question.task.tolerance}; everyone is looked at every {question.every} updates, and given "
        f"up after {question.budget:,} examples. Medians, where a seed that did not get there counts as slower than "
        f"any other; seconds of all seeds, those included. Of every seed all contestants begin with the same weights, "
        f"in turn, in one process; each has learned up to a first look before, which is not counted. Seconds are those "
        f"of training: compiling and looks are not in them. memoryspan runs what `memoryspan train` runs, with a "
        f"rate of {OUR_LEARNING_RATE:g} and a curriculum that grows by {CURRICULUM.growth:g} at "
        f"{percent(CURRICULUM.grow_above)}, and makes its examples within the time; full: all of them at the full "
        f"length, without the curriculum, with the rate of the others. Those have theirs made for them, all at the "
        f"full length, and learn with a rate of "
        f"{LEARNING_RATE:g}, the best of five. NumPy is `benchmarks/numpy_lstm.py`; Keras, on JAX, one `fit` a look, "
        f"unshuffled, with {STEPS_PER_EXECUTION} steps an execution; PyTorch `nn.LSTM` with time first, a fused Adam "
        f"and one thread, and with the weights of the others, for with its own it takes about twice as many examples. "
        f"x NumPy, x best: how many times as fast as NumPy, and as the faster one of Keras and PyTorch."
    )


def _median(trainings: list[Row], figure: str) -> float | None:
    middle = Spread.of(each[figure] if each["reached"] else math.inf for each in trainings).median
    return middle if math.isfinite(middle) else None


def _of(rows: list[Row], name: str) -> Row:
    return next(row for row in rows if row["name"] == name)


def _times(slower: Row, faster: Row) -> float | None:
    """How many times as fast; None where one of them is not there."""
    if slower["seconds"] is None or faster["seconds"] is None:
        return None
    return slower["seconds"] / faster["seconds"]


def _shown(figure: float | None, digits: str) -> str:
    return "-" if figure is None else format(figure, digits)


if __name__ == "__main__":
    main()
