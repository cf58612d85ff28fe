"""Sweeps over published experiments, as a kind of sweep."""

from collections.abc import Sequence

from memoryspan.reproduce.trial import ReproduceResult, ReproduceSweepConfig, ReproduceTrial
from memoryspan.sweeps.group import Group
from memoryspan.sweeps.kind import Kind
from memoryspan.sweeps.trial import COST_COLUMNS, cost_row


def run(trials: Sequence[ReproduceTrial], group: Group) -> list[ReproduceResult]:
    """Return the results of trials that differ in their seed alone."""
    from memoryspan.reproduce.attempt import attempt

    return attempt(trials, group)


def experiment_of(trial: ReproduceTrial) -> str:
    """Return which half of which experiment a trial repeats."""
    return f"{trial.experiment}, {'with' if trial.curriculum else 'without'} curriculum"


def row(trial: ReproduceTrial, result: ReproduceResult | None) -> dict[str, object]:
    """Return a row of `results.csv`."""
    of_trial = {
        "experiment": trial.experiment,
        "curriculum": str(trial.curriculum).lower(),
        "task": str(trial.task),
        "model": str(trial.model),
        "seed": trial.seed,
    }
    if result is None:
        return of_trial
    own = {"sequences": result.sequences, "accuracy": result.accuracy.value, "rms_error": result.rms_error}
    return of_trial | own | cost_row(result)


REPRODUCE = Kind(
    command="reproduce",
    config=ReproduceSweepConfig,
    trial=ReproduceTrial,
    result=ReproduceResult,
    run=run,
    columns=(
        *("experiment", "curriculum", "task", "model", "seed", "parameters"),
        *("sequences", "accuracy", "rms_error"),
        *COST_COLUMNS,
    ),
    row=row,
    describe=experiment_of,
)
