"""The argument RUN of the commands: the directory of a run, or any .keras file."""

from dataclasses import asdict
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memoryspan.errors import ModelError, TaskError
from memoryspan.spec import Spec, call
from memoryspan.user_code import is_import_path

if TYPE_CHECKING:
    from memoryspan.backend import keras
    from memoryspan.runs import SavedRun
    from memoryspan.tasks import Task


def is_keras_file(path: str) -> bool:
    """Return whether a path is a model's file, existing or not, or a directory saved by TensorFlow or Keras."""
    place = Path(path)
    if place.is_dir():
        return not is_run(path) and any((place / name).is_file() for name in ("saved_model.pb", "metadata.json"))
    return place.is_file() or path.endswith(".keras")


def is_run(path: str) -> bool:
    """Return whether a path is the directory of a run."""
    from memoryspan.runs.record import FILE

    return (Path(path) / FILE).exists()


def open_saved(path: str, task: Spec | None = None, builder: Spec | None = None) -> "SavedRun":
    """Return the run in a directory. `task` and `builder` name the user code that its task and layers come from.

    Raises:
        ModelError: the run's model does not come from `builder`.
        TaskError: `task` is not the run's, or has settings.
    """
    from memoryspan.runs import Run
    from memoryspan.tasks import task_named

    run = Run.load(path, task_named(task.name) if task else None)
    if task is not None:
        _require_own_task(task, run)
    _register(path, run, builder)
    return run


def open_target(
    path: str,
    task: Spec | None = None,
    length: int | None = None,
    features: int | None = None,
    out_index: int | None = None,
    builder: Spec | None = None,
) -> "tuple[keras.Model, Task]":
    """Return the model and a task for it: the run's own or the one named, with the settings that were given.

    `builder` names the file that the layers of the model come from. The task of a .keras file is echo by default.
    """
    sizes = {"length": length, "n_features": features, "out_index": out_index}
    run, model, task_class, given = _opened(path, task, builder, sizes)
    if run is not None and _is_its_own(task, run):
        return model, _own_task(run, given)
    chosen = _task_of(model, task, task_class, given)
    if task is None:
        _require_echo(model, chosen)
    return model, chosen


def open_reader(
    path: str, task: Spec | None = None, features: int | None = None, builder: Spec | None = None
) -> "tuple[keras.Model, Task | None]":
    """Return the model, and the task that decides what it reads, as `open_target` does; None where no task is known.

    No task is known for a .keras file without a task or a number of symbols, and for a run on a task from user code
    that is not given again.
    """
    run, model, task_class, given = _opened(path, task, builder, {"n_features": features})
    if run is not None and _is_its_own(task, run):
        of_package = not is_import_path(run.record.config.task.name)
        return model, _own_task(run, given) if of_package or task_class is not None else None
    if task is None and features is None:
        return model, None
    return model, _task_of(model, task, task_class, given, with_length=False)


def _opened(path: str, task: Spec | None, builder: Spec | None, settings: dict[str, Any]):
    """Return the run, if it is one, the model, the class of the named task, and the settings that were given."""
    from memoryspan.runs import Run, load_model
    from memoryspan.tasks import task_named

    task_class = task_named(task.name) if task else None  # an unknown name is refused before Keras is imported
    given = (task or Spec("")).with_settings(**settings).settings
    run = None if is_keras_file(path) else Run.load(path, task_class)
    _register(path, run, builder)
    return run, load_model(path) if run is None else run.model(), task_class, given


def _own_task(run: "SavedRun", given: dict[str, Any]) -> "Task":
    return call(type(run.task), run.record.config.task.name, {**asdict(run.task), **given})


def _task_of(
    model: "keras.Model", task: Spec | None, task_class: Any, given: dict[str, Any], with_length: bool = True
) -> "Task":
    """Return the named task, or else echo, with the sizes of a model."""
    from memoryspan.tasks import task_named

    name, task_class = (task.name, task_class) if task else ("echo", task_named("echo"))
    _require_symbols(model, name, task_class, given)
    sizes = _sizes(model, task_class)
    if not with_length:
        sizes.pop("length", None)
    return call(task_class, name, {**sizes, **given})


def _require_symbols(model: "keras.Model", name: str, task_class: Any, given: dict[str, Any]) -> None:
    """Raise `ModelError` where a task of the package makes symbols, and the model reads one real channel."""
    from memoryspan.engine.shapes import input_shape
    from memoryspan.tasks.base import has_symbol_inputs

    if tuple(input_shape(model)[2:]) != (1,) or is_import_path(name):
        return
    task = call(task_class, name, {setting: value for setting, value in given.items() if setting != "n_features"})
    if has_symbol_inputs(task):
        raise ModelError(
            f"The task {name} makes symbols, and this model reads one real channel: name a task of numbers with "
            f"--task, such as adding, which has 2 channels, or one from a file of your own, like mine.py:MyTask."
        )


def _require_echo(model: "keras.Model", task: "Task") -> None:
    """Raise `ModelError` where echo, which was not named, does not fit the model."""
    from memoryspan.engine.shapes import output_shape
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
    """Return whether the named task is the run's own."""
    return task is None or _is_same(task, run.record.config.task)


def _is_same(given: Spec, own: Spec) -> bool:
    """Return whether two names mean the same; user code is compared by the name after the colon."""
    return given.name.split(":")[-1] == own.name.split(":")[-1]


def _require_own_task(task: Spec, run: "SavedRun") -> None:
    if task.settings or not _is_its_own(task, run):
        own = run.record.config.task
        raise TaskError(
            f"The run in {run.directory} is on the task {own.name}, with the settings that it has, and --task is "
            f"{task}: leave --task, or give the file that the task is from, like mine.py:MyTask."
        )


def _register(path: str, run: "SavedRun | None", builder: Spec | None) -> None:
    """Import the user code that registers a model's layers with Keras; raise `ModelError` where it has none there."""
    from memoryspan.models import MODELS, model_named

    if builder is None:
        return
    own = run.record.config.model if run is not None else None
    if own is not None and (own.name in MODELS or is_import_path(own.name)):
        fits = _is_same(builder, own)
    else:  # a file, or a run that was created in Python
        fits = is_import_path(builder.name)
    if builder.settings or not fits:
        model = f" ({own.name})" if own is not None else ""
        raise ModelError(
            f"{path} has a model{model} already, which is used as it is, and --model is {builder}: leave --model, or "
            f"give the file that the layers of that model are from, like mine.py:build."
        )
    model_named(builder.name)


def _sizes(model: "keras.Model", task_class) -> dict[str, int]:
    """Return the settings of a task that a model decides: its number of features, and its length if it is fixed."""
    from memoryspan.engine.shapes import input_shape
    from memoryspan.inference.reading import n_symbols_of

    _, steps, *features = input_shape(model)
    sizes = {"length": steps, "n_features": features[0] if features else n_symbols_of(model)}
    return {name: size for name, size in sizes.items() if size is not None and name in signature(task_class).parameters}
