"""What RUN means to the commands: the directory of a run, or anybody's .keras file."""

from dataclasses import asdict
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memoryspan.spec import Spec, call
from memoryspan.user_code import is_import_path

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


def open_saved(path: str, task: Spec | None = None, made_by: str | None = None) -> "SavedRun":
    """The run in a directory; its task, and the layers of its model, from a person's own files where they are given."""
    from memoryspan.runs import Run
    from memoryspan.tasks import task_named

    _register(made_by)
    return Run.load(path, task_named(task.name) if task else None)


def open_target(
    path: str,
    task: Spec | None = None,
    length: int | None = None,
    features: int | None = None,
    out_index: int | None = None,
    made_by: str | None = None,
) -> "tuple[keras.Model, Task]":
    """The model, and the task to try it on: the run's own, or the one named, with what was given in its place.

    `made_by` names the file that the layers of the model come from. Of a file, the task is echo unless one is named.
    """
    run, model, kind, given = _opened(path, task, made_by, length=length, n_features=features, out_index=out_index)
    if run is not None and _is_its_own(task, run):
        return model, _own_task(run, given)
    chosen = _task_of(model, task, kind, given)
    if task is None:
        _require_echo(model, chosen)
    return model, chosen


def open_reader(
    path: str,
    task: Spec | None = None,
    length: int | None = None,
    features: int | None = None,
    out_index: int | None = None,
    made_by: str | None = None,
) -> "tuple[keras.Model, Task | None]":
    """The model, and the task that says what it reads, as in `open_target`; None where none is known.

    That is a file for which neither a task nor a number of symbols is given, or a run on a task from a person's own
    file that is not given again.
    """
    run, model, kind, given = _opened(path, task, made_by, length=length, n_features=features, out_index=out_index)
    if run is not None and _is_its_own(task, run):
        of_package = not is_import_path(run.record.config.task.name)
        return model, _own_task(run, given) if of_package or kind is not None else None
    if task is None and features is None:
        return model, None
    return model, _task_of(model, task, kind, given, with_length=False)


def _opened(path: str, task: Spec | None, made_by: str | None, **settings):
    """The run, if it is one; the model; the class of the task that is named; and the settings that are given."""
    from memoryspan.runs import Run, load_model
    from memoryspan.tasks import task_named

    kind = task_named(task.name) if task else None  # a name that is none is refused before Keras is imported
    given = (task or Spec("")).with_settings(**settings).settings
    _register(made_by)
    run = None if is_keras_file(path) else Run.load(path, kind)
    return run, load_model(path) if run is None else run.model(), kind, given


def _own_task(run: "SavedRun", given: dict[str, Any]) -> "Task":
    return call(type(run.task), run.record.config.task.name, {**asdict(run.task), **given})


def _task_of(
    model: "keras.Model", task: Spec | None, kind: Any, given: dict[str, Any], with_length: bool = True
) -> "Task":
    """The task that is named, or else echo, of the size of a model."""
    from memoryspan.tasks import task_named

    name, kind = (task.name, kind) if task else ("echo", task_named("echo"))
    _require_symbols(model, name, kind, given)
    sizes = _sizes(model, kind)
    if not with_length:
        sizes.pop("length", None)
    return call(kind, name, {**sizes, **given})


def _require_symbols(model: "keras.Model", name: str, kind: Any, given: dict[str, Any]) -> None:
    """Raises where a task of the package makes symbols, and the model reads one real channel."""
    from memoryspan.engine.shapes import input_shape
    from memoryspan.errors import ModelError
    from memoryspan.tasks.base import makes_symbols

    if tuple(input_shape(model)[2:]) != (1,) or is_import_path(name):
        return
    task = call(kind, name, {setting: value for setting, value in given.items() if setting != "n_features"})
    if makes_symbols(task):
        raise ModelError(
            f"The task {name} makes symbols, and this model reads one real channel: name a task of numbers with "
            f"--task, such as adding, which has 2 channels, or one from a file of your own, like mine.py:MyTask."
        )


def _require_echo(model: "keras.Model", task: "Task") -> None:
    """Says, where the model does not fit, that nobody asked for this task."""
    from memoryspan.engine.shapes import output_shape
    from memoryspan.errors import ModelError
    from memoryspan.inference.evaluate import check_compatible

    try:
        check_compatible(model, task)
    except ModelError as error:
        classes = output_shape(model)[-1]
        other = f"give --features {classes}, or " if classes not in (None, 1, task.n_outputs) else ""
        raise ModelError(
            f"{error} No task was named, and echo of {task.n_features} symbols was assumed: {other}name another task "
            f"with --task."
        ) from error


def _is_its_own(task: Spec | None, run: "SavedRun") -> bool:
    """Whether the task asked for is the run's: by its name; user code by what is behind the colon."""
    return task is None or task.name.split(":")[-1] == run.record.config.task.name.split(":")[-1]


def _register(made_by: str | None) -> None:
    """Imports the file that a person gave, in which layers are registered with Keras."""
    if made_by is not None:
        from memoryspan.models import model_named

        model_named(made_by)


def _sizes(model: "keras.Model", kind) -> dict[str, int]:
    """What a model says of the task: its number of features, and its length where it has a fixed one."""
    from memoryspan.engine.shapes import input_shape
    from memoryspan.inference.reading import n_symbols_of

    _, steps, *features = input_shape(model)
    sizes = {"length": steps, "n_features": features[0] if features else n_symbols_of(model)}
    return {name: size for name, size in sizes.items() if size is not None and name in signature(kind).parameters}
