"""A trial: one model, one task, one seed, one budget, and the file of its result.

Plain data. Reading it imports neither JAX nor Keras, nor anything that it names.
"""

import hashlib
from typing import Generic, Literal, TypeVar

import msgspec

from memoryspan.environment import Environment
from memoryspan.spec import Spec, without_defaults
from memoryspan.training.budget import Budget

FORMAT = 3
"""The version of manifests, trials and their results. A change that older readers would misread adds one, which gives
every trial another key."""


def display_name(spec: Spec) -> str:
    """Return a task or a model as it is typed: without default settings, which are unknown for user code."""
    from memoryspan.models import MODELS
    from memoryspan.tasks import TASKS

    kind = TASKS.get(spec.name) or MODELS.get(spec.name)
    return str(without_defaults(spec, kind) if kind else spec)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of every kind of trial: all that its result depends on, except for the machine."""

    task: Spec
    """With all of its settings."""
    model: Spec
    """With all of its settings except the seed."""
    seed: int
    budget: Budget
    batch_size: int

    @property
    def key(self) -> str:
        """The name of its file: a hash of all of its fields."""
        return hashlib.sha256(msgspec.json.encode((FORMAT, self), order="deterministic")).hexdigest()[:16]

    @property
    def repeatable(self) -> bool:
        """Whether the budget ends the training at the same update each time."""
        return self.budget.seconds is None


class TrainingCost(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of a training and how it ended, for results of trials that train a model."""

    ended: str
    """A value of `training.Status`."""
    parameters: int
    engine: Literal["unroll", "keras"]
    updates: int
    examples: int
    tokens: int
    skipped: int
    seconds: float


COST_COLUMNS = ("ended", "updates", "examples", "tokens", "seconds", "engine")
"""Fields of `TrainingCost` that a row of `results.csv` ends with."""


def cost_row(result: TrainingCost) -> dict[str, object]:
    """Return the parameters and the cost of a training, for a row of `results.csv`."""
    return {name: getattr(result, name) for name in ("parameters", *COST_COLUMNS)}


class Failure(msgspec.Struct, frozen=True):
    """Why a trial has no result."""

    error: str
    """The type of the error and its message."""
    traceback: str


TrialT = TypeVar("TrialT", bound=Trial)
ResultT = TypeVar("ResultT")


class TrialResult(msgspec.Struct, Generic[TrialT, ResultT], frozen=True, kw_only=True):
    """The file of a trial: the trial, and its result or why there is no result."""

    format: int = FORMAT
    memoryspan: str
    trial: TrialT
    result: ResultT | None = None
    failure: Failure | None = None
    environment: Environment
