"""A kind of trial, as one object: all that a sweep has to know to run trials of that kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from memoryspan.sweeps.group import Group
from memoryspan.sweeps.trial import Trial, TrialResult, display_name


class SweepConfig(Protocol):
    """The settings of a sweep, which its manifest holds: a `msgspec.Struct`."""

    @property
    def trials(self) -> Sequence[Trial]:
        """Every trial once, in the order of the table."""
        ...

    @property
    def subject(self) -> str:
        """A word or two about the sweep: part of the name of a new directory."""
        ...


def _never(found: Any, trial: Any) -> bool:
    return False


def model_on_task(trial: Trial) -> str:
    """Return the model and the task of a trial, as a person would type them."""
    return f"{display_name(trial.model)} on {display_name(trial.task)}"


@dataclass(frozen=True)
class Kind:
    """A kind of trial.

    Its functions are functions of a module, so that a kind reaches the workers by pickle. What they need of JAX and
    Keras they import when they are called: a sweep is read without either.

    Attributes:
        command: the command of `memoryspan` that runs such a sweep; the name of the kind in a manifest.
        config: the type of the settings of a sweep.
        trial: the type of a trial.
        result: the type of a result.
        run: run(trials, group) returns the results of trials that differ in their seed alone. Their `Group` takes
            reports of progress, and the state from which they resume after an interruption.
        columns: the columns of `results.csv`.
        row: row(trial, result) returns the values of those columns; the result of a trial that failed is None.
        extends: extends(before, now) returns whether a trial is another one with larger limits, such as its budget.
        describe: describe(trial) returns a few words that trials share which differ in their seed alone.
        holds: holds(found, now) returns whether what was found for a trial is also the result of one that extends it.
    """

    command: str
    config: type[SweepConfig]
    trial: type[Trial]
    result: type
    run: Callable[[Sequence[Any], Group], Sequence[Any]]
    columns: tuple[str, ...]
    row: Callable[[Any, Any], dict[str, object]]
    describe: Callable[[Any], str] = model_on_task
    extends: Callable[[Any, Any], bool] = _never
    holds: Callable[[TrialResult, Any], bool] = _never

    @property
    def file(self) -> Any:
        """The type of a trial's file."""
        return TrialResult[self.trial, self.result]
