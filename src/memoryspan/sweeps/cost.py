"""The cost of a training, for the results of trials that train a model."""

from typing import Any

from memoryspan.backend import keras
from memoryspan.engine import engine_of
from memoryspan.training import TrainSnapshot


def training_cost(model: keras.Model, snapshot: TrainSnapshot) -> dict[str, Any]:
    """Return the fields of `TrainingCost` for a training that has ended."""
    assert snapshot.status is not None
    row = snapshot.row
    return {
        "ended": snapshot.status.value,
        "parameters": model.count_params(),
        "engine": engine_of(model, training=True),
        "updates": row.updates,
        "examples": row.examples,
        "tokens": row.tokens,
        "skipped": row.skipped,
        "seconds": row.seconds,
    }
