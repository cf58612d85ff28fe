"""What RUN means to evaluate and predict: the directory of a run, or anybody's .keras file."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memoryspan.backend import keras
    from memoryspan.tasks import Task


def open_target(
    path: str, task: str | None, length: int | None, features: int | None, out_index: int | None
) -> "tuple[keras.Model, Task]":
    """The model, and the task to try it on: the run's own, or the one named, with what was given in its place."""
    from memoryspan.tasks import task_named

    given = {"length": length, "n_features": features, "out_index": out_index}
    given = {name: value for name, value in given.items() if value is not None}
    if Path(path).is_file() or path.endswith(".keras"):
        from memoryspan.runs import load_model

        kind = task_named(task or "echo")
        model = load_model(path)
        return model, kind(**{**_sizes(model), **given})
    from memoryspan.runs import open_run

    run = open_run(path)
    chosen = task_named(task)(**given) if task else replace(run.task, **given)
    return run.model(), chosen


def _sizes(model: "keras.Model") -> dict[str, int]:
    """What a model's input says of the task: its number of features, and its length where it has a fixed one."""
    from memoryspan.engine.forward import input_shape

    _, steps, *features = input_shape(model)
    sizes = {"length": steps, "n_features": features[0] if features else None}
    return {name: size for name, size in sizes.items() if size is not None}
