"""What RUN means to the commands: the directory of a run, or anybody's .keras file."""

from dataclasses import asdict
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

from memoryspan.named import Named, call

if TYPE_CHECKING:
    from memoryspan.backend import keras
    from memoryspan.runs import SavedRun
    from memoryspan.tasks import Task


def is_keras_file(path: str) -> bool:
    """Whether a path means a model's file, there or missing, or a folder of TensorFlow or Keras, and not a run."""
    place = Path(path)
    if place.is_dir():
        return not is_run(path) and any((place / name).is_file() for name in ("saved_model.pb", "metadata.json"))
    return place.is_file() or path.endswith(".keras")


def is_run(path: str) -> bool:
    """Whether a path is the directory of a run, and not of a sweep."""
    from memoryspan.runs.record import FILE

    return (Path(path) / FILE).exists()


def open_model(path: str, task: Named | None = None, made_by: str | None = None) -> "keras.Model":
    """The model of a run, or of a .keras file; `made_by` names the file that its own layers come from."""
    from memoryspan.runs import load_model

    if is_keras_file(path):
        _register(made_by)
        return load_model(path)
    return open_saved(path, task, made_by).model()


def open_saved(path: str, task: Named | None = None, made_by: str | None = None) -> "SavedRun":
    """The run in a directory; its task, and the layers of its model, from a person's own files where they are given."""
    from memoryspan.runs import open_run
    from memoryspan.tasks import task_named

    _register(made_by)
    return open_run(path, task_named(task.name) if task else None)


def open_target(
    path: str,
    task: Named | None = None,
    length: int | None = None,
    features: int | None = None,
    out_index: int | None = None,
    made_by: str | None = None,
) -> "tuple[keras.Model, Task]":
    """The model, and the task to try it on: the run's own, or the one named, with what was given in its place."""
    from memoryspan.runs import open_run
    from memoryspan.tasks import task_named

    given = (task or Named("")).having(length=length, n_features=features, out_index=out_index).settings
    kind = task_named(task.name) if task else None  # a name that is none is refused before Keras is imported
    _register(made_by)
    run = None if is_keras_file(path) else open_run(path, kind)
    if run is not None and _is_its_own(task, run):
        return run.model(), call(type(run.task), run.record.asked.task.name, {**asdict(run.task), **given})
    model = open_model(path)
    kind = kind or task_named("echo")
    chosen = call(kind, task.name if task else "echo", {**_sizes(model, kind), **given})
    if task is None:
        _require_echo(model, chosen)
    return model, chosen


def _require_echo(model: "keras.Model", task: "Task") -> None:
    """Says, where the model does not fit, that nobody asked for this task."""
    from memoryspan.errors import ModelError
    from memoryspan.evaluation import check_fit

    try:
        check_fit(model, task)
    except ModelError as error:
        raise ModelError(f"{error} No task was named, and echo was assumed: give another one with --task.") from error


def _is_its_own(task: Named | None, run: "SavedRun") -> bool:
    """Whether the task asked for is the run's: by its name, a stranger's by what is behind the colon."""
    return task is None or task.name.split(":")[-1] == run.record.asked.task.name.split(":")[-1]


def _register(made_by: str | None) -> None:
    """Imports the file that a person gave, in which layers are registered with Keras."""
    if made_by is not None:
        from memoryspan.models import model_named

        model_named(made_by)


def _sizes(model: "keras.Model", kind) -> dict[str, int]:
    """What a model's input says of the task: its number of features, and its length where it has a fixed one."""
    from memoryspan.engine.forward import input_shape

    _, steps, *features = input_shape(model)
    sizes = {"length": steps, "n_features": features[0] if features else None}
    return {name: size for name, size in sizes.items() if size is not None and name in signature(kind).parameters}
