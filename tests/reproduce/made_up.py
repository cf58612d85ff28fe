"""Answers to trials as they might be, without the training."""

from memoryspan.accuracy import Measured
from memoryspan.environment import Environment
from memoryspan.reproduce.trial import Criterion, ReproduceResult, ReproduceTrial
from memoryspan.spec import Spec
from memoryspan.sweeps.trial import Failure, TrialResult
from memoryspan.training.budget import Budget


def answer(
    experiment: str, seed: int, sequences: int | None, *, curriculum: bool = True, failed: bool = False
) -> TrialResult:
    """Solved after so many sequences, or not within 100,000."""
    trial = ReproduceTrial(
        experiment=experiment,
        task=Spec("echo"),
        model=Spec("lstm"),
        seed=seed,
        budget=Budget(examples=100_000),
        batch_size=10,
        min_length=50,
        criterion=Criterion(),
        curriculum=curriculum,
        grow_above=0.98,
    )
    outcome = ReproduceResult(
        sequences=sequences,
        accuracy=Measured(2560 if sequences else 0, 2560, 50, 0.01, 1.0 if sequences else 0.0, (0, 1)),
        rms_error=0.01,
        ended="solved" if sequences else "budget",
        parameters=9,
        engine="unroll",
        updates=(sequences or 100_000) // 10,
        examples=sequences or 100_000,
        tokens=50 * (sequences or 100_000),
        skipped=0,
        seconds=0.5,
    )
    return TrialResult(
        memoryspan="1",
        trial=trial,
        result=None if failed else outcome,
        failure=Failure("ValueError: no", "") if failed else None,
        environment=Environment("cpu", {}, None),
    )
