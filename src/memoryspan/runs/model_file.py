"""`model.keras`: the model in Keras's own format, read in safe mode and no other.

A `.keras` file is a zip of JSON, weights and nothing else, unless somebody puts Python in it. Python in a layer is
refused before anything is read. A loss, metric, optimizer or schedule that Keras cannot find, or that is Python, leaves
the model uncompiled: only training needs it. Layers have to be Keras's own, or registered with Keras by code that is
already imported.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import memoryspan.models  # noqa: F401  (registers its layers with Keras)
from memoryspan.backend import ObjectSharingScope, keras
from memoryspan.errors import ModelError
from memoryspan.files import atomic
from memoryspan.models.finalize import deferred_weights
from memoryspan.runs.keras_config import (
    COMPILED,
    LAMBDA,
    Part,
    compiled_with,
    has_lambda,
    missing_parts,
    places_of_lambdas,
    registered_here,
    uncompiled,
)
from memoryspan.runs.keras_zip import read_json, require_sizes
from memoryspan.runs.other_file import by_weights, is_saved_model, is_unzipped, new_name, what_instead

FILE = "model.keras"

VALUES_TOO_EARLY = "You are attempting to create a variable while in a stateless scope"
"""How Keras begins to say that a layer has made weights of values where those are deferred."""

REGISTER = (
    "decorate it with @keras.saving.register_keras_serializable(), and import its file first (on the command line: "
    "--model mine.py:build)"
)


@dataclass(frozen=True)
class Opened:
    """The model of a file."""

    model: keras.Model
    missing: tuple[Part, ...] = ()
    """What Keras cannot find of the parts that the model was compiled with; the model is then not compiled."""
    why_uncompiled: str | None = None
    """A sentence; None where the model is compiled."""


def save_model(model: keras.Model, directory: Path) -> None:
    """Save the model with its compiled optimizer and loss; raises `OSError` where it cannot be written."""
    with atomic.atomic_path(directory / FILE) as temporary:
        model.save(temporary)


def load_model(path: str | Path, *, for_training: bool = False) -> keras.Model:
    """Return the model of a run's directory, or of any `.keras` file; nothing in the file is executed.

    A model whose loss, metric, optimizer or schedule is not found comes back uncompiled.

    Args:
        path: a run's directory, or a file.
        for_training: require that the model is compiled as it was saved.

    Raises:
        ModelError: there is no such file, it is not a model of Keras 3, it is damaged, or a layer asks to execute
            code; or, for training, the model cannot be compiled.
        InsufficientMemoryError: it does not fit into memory.
    """
    opened = open_file(path)
    if for_training and opened.why_uncompiled is not None:
        raise ModelError(f"{path} cannot be trained. {opened.why_uncompiled}")
    return opened.model


def open_file(path: str | Path) -> Opened:
    """Return the model of a file, and why it is not compiled; raises as `load_model` does."""
    path = _file(Path(path))
    config = _config(path)
    if places := places_of_lambdas(uncompiled(config)):
        raise ModelError(
            f"{path} asks to execute Python that is stored in it ({', '.join(places)}), and that is never done. Build "
            f"the model again with a registered layer class, or a function of keras.ops, in place of each lambda, "
            f"then model.load_weights({str(path)!r}) and model.save({_beside(path)!r})."
        )
    with keras.saving.custom_object_scope(registered_here(config)), warnings.catch_warnings():
        require_sizes(path, _count(path, config))
        # A model that was compiled and never trained has nothing to load there: no loss.
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        opened = _open(path, config)
    if not isinstance(opened.model, keras.Model):
        raise ModelError(
            f"{path} holds a {type(opened.model).__name__}, and should hold a model: save it with model.save."
        )
    return opened


def is_all_keras(model: keras.Model) -> bool:
    """Return whether a model has only parts of Keras, and no Python, so that its file opens wherever Keras is."""
    return _all_parts_keras(keras.saving.serialize_keras_object(model))


def _all_parts_keras(config) -> bool:
    if isinstance(config, dict):
        own = str(config.get("module", "keras")).split(".")[0] == "keras"
        return own and not _is_python(config) and all(map(_all_parts_keras, config.values()))
    return not isinstance(config, list | tuple) or all(map(_all_parts_keras, config))


def _is_python(config: dict) -> bool:
    """Return whether this is a Lambda layer, a lambda, or the code that Keras stores of a lambda as an activation."""
    return config.get("class_name") in ("Lambda", LAMBDA) or isinstance(config.get("value"), tuple)


def _open(path: Path, config: dict) -> Opened:
    compiled = compiled_with(config)
    if not compiled:
        return Opened(_uncompiled(path, config), (), "It was saved without an optimizer and a loss: compile it first.")
    if has_lambda(config):
        return _without_compiling(path, config, None)
    try:
        model = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # a file from somebody else can make Keras raise anything
        return _without_compiling(path, config, error)
    if getattr(model, "optimizer", None) is None:
        return Opened(model, (), "Keras did not compile it: call model.compile first.")
    return Opened(model)


def _without_compiling(path: Path, config: dict, error: Exception | None) -> Opened:
    model = _uncompiled(path, config)
    missing = [part for role, each in compiled_with(config) for part in missing_parts(each, role)]
    return Opened(model, tuple(missing), _why_uncompiled(path, missing, error))


def _why_uncompiled(path: Path, missing: Sequence[Part], error: Exception | None) -> str:
    parts = " and ".join(map(str, missing))
    if not missing:
        return (
            f"Keras cannot compile it as it was saved ({_first_sentence(error)}): call model.compile, and model.save "
            f"again."
        )
    if any(part.kind == "lambda" for part in missing):
        return (
            f"Its {parts} cannot be had from the file: call model.compile with functions that have a name and are "
            f"registered with @keras.saving.register_keras_serializable(), and model.save({_beside(path)!r})."
        )
    return f"Its {parts} {'is' if len(missing) == 1 else 'are'} not registered with Keras: {_register(len(missing))}."


def _uncompiled(path: Path, config: dict) -> keras.Model:
    try:
        if not compiled_with({**config, COMPILED: None}):
            return cast(keras.Model, keras.saving.load_model(path, compile=False, safe_mode=True))
        with ObjectSharingScope():  # Keras compiles the models inside a model all the same
            model = cast(keras.Model, keras.saving.deserialize_keras_object(uncompiled(config), safe_mode=True))
        model.load_weights(path)
        return model
    except Exception as error:
        raise ModelError(_cannot_open(path, config, error)) from error


def _cannot_open(path: Path, config: dict, error: Exception) -> str:
    version = _keras_version(path)
    begins = f"Keras {keras.__version__} cannot open {path}"
    if version.startswith(("1.", "2.")):
        recipe = by_weights(str(path), new_name(path))
        return f"{begins}, a file of Keras {version} ({_first_sentence(error)}): {recipe}"
    if missing := missing_parts(uncompiled(config), "layer"):
        names = " and ".join(f"the {part.kind} {part.name!r}" for part in missing)
        return f"{begins} without {names}: {_register(len(missing))}."
    return (
        f"{begins} ({_first_sentence(error)}): it is damaged, or was written by a newer Keras or by code that is not "
        f"imported here. Open it where it was made, and save it again."
    )


def _register(count: int) -> str:
    if count == 1:
        return REGISTER
    return REGISTER.replace("decorate it", "decorate each").replace("its file", "their files")


def _file(path: Path) -> Path:
    """Return the file of a run or a path; raises `ModelError` where there is none, or it is of another kind."""
    if path.is_dir() and not (path / FILE).is_file() and (is_saved_model(path) or is_unzipped(path)):
        raise ModelError(str(what_instead(path)))
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise ModelError(f"There is no file {path}: give a run's directory, or a .keras file.")
    return path


def _config(path: Path) -> dict[str, Any]:
    """Return the JSON of a `.keras` file, unread by Keras."""
    try:
        instead = what_instead(path)
        if instead is None and path.suffix == ".keras":
            config = read_json(path, "config.json")
            if isinstance(config, dict):
                return config
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. Ask its owner for leave to read it.") from error
    except Exception:  # damaged in one of many ways
        instead = None
    raise ModelError(
        instead
        or f'{path} is not a file of Keras 3, or is damaged: open it where it was made, and model.save("….keras").'
    )


class _Counted(Exception):  # noqa: N818  (it is no error)
    """Ends a block of deferred weights, so that they are never made."""


def _count(path: Path, config: dict) -> int | None:
    """Return how many numbers the model of a configuration holds, without making them.

    None where a layer of user code makes its weights of values, and not of shapes. Raises `ModelError` where Keras
    cannot build the model.
    """
    try:
        with deferred_weights(), ObjectSharingScope():
            model = keras.saving.deserialize_keras_object(uncompiled(config), safe_mode=True)
            raise _Counted(sum(math.prod(variable.shape) for variable in getattr(model, "variables", ())))
    except _Counted as counted:
        return counted.args[0]
    except Exception as error:  # a file from somebody else can make Keras raise anything
        cause = error
        while cause.__context__ is not None:
            cause = cause.__context__  # pyright: ignore[reportAssignmentType]
        if str(cause).startswith(VALUES_TOO_EARLY):
            return None
        raise ModelError(_cannot_open(path, config, error)) from error


def _keras_version(path: Path) -> str:
    try:
        return str(read_json(path, "metadata.json")["keras_version"])
    except Exception:  # Keras itself does not need it
        return ""


def _beside(path: Path) -> str:
    return str(path.with_name(f"{path.stem}-2.keras"))


def _first_sentence(error: Exception | None) -> str:
    """Return the first sentence of the innermost cause, which Keras wraps in the config of the class that holds it."""
    cause = str(error).split("Exception encountered: ")[-1].strip()
    return cause.split("\n")[0].split(". ")[0].rstrip(".")[:200] or type(error).__name__
