"""What RUN means to the commands: the directory of a run, or anybody's .keras file."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memoryspan.backend import keras
    from memoryspan.tasks import Task


def is_keras_file(path: str) -> bool:
    """Whether a path means a .keras file, there or missing, rather than the directory of a run."""
    return not Path(path).is_dir() and (Path(path).is_file() or path.endswith(".keras"))


def open_model(path: str) -> "keras.Model":
    """The model of a run, or of a .keras file."""
    from memoryspan.runs import load_model, open_run

    return load_model(path) if is_keras_file(path) else open_run(path).model()


def open_target(
    path: str,
    task: str | None = None,
    length: int | None = None,
    features: int | None = None,
    out_index: int | None = None,
) -> "tuple[keras.Model, Task]":
    """The model, and the task to try it on: the run's own, or the one named, with what was given in its place."""
    from memoryspan.runs import open_run
    from memoryspan.tasks import task_named

    given = {"length": length, "n_features": features, "out_index": out_index}
    given = {name: value for name, value in given.items() if value is not None}
    kind = task_named(task or "echo")  # a name that is none is refused before Keras is imported
    run = None if is_keras_file(path) else open_run(path)
    if run is not None and task in (None, run.record.asked.task.name):
        chosen = replace(run.task, **given)
        return run.model(), chosen
    model = open_model(path)
    return model, kind(**{**_sizes(model), **given})


def _sizes(model: "keras.Model") -> dict[str, int]:
    """What a model's input says of the task: its number of features, and its length where it has a fixed one."""
    from memoryspan.engine.forward import input_shape

    _, steps, *features = input_shape(model)
    sizes = {"length": steps, "n_features": features[0] if features else None}
    return {name: size for name, size in sizes.items() if size is not None}
