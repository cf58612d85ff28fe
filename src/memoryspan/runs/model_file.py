"""`model.keras`: the model in Keras's own format, read in safe mode and no other.

A `.keras` file is a zip of JSON, weights and nothing else, unless somebody puts Python in it: a file is read only after
it is known to carry none. What it is made of has to be Keras's own, or registered with Keras by code already imported.
"""

import json
import warnings
import zipfile
from pathlib import Path

import memoryspan.models  # noqa: F401  (registers its layers with Keras)
from memoryspan.backend import keras
from memoryspan.errors import ModelError
from memoryspan.runs import atomic

FILE = "model.keras"

LAMBDA = "__lambda__"
"""What Keras calls Python that is stored in a file."""


def save_model(model: keras.Model, directory: Path) -> None:
    """Puts the model, with its compiled optimizer and loss, in place; raises `OSError` where it cannot be written."""
    with atomic.replacing(directory / FILE) as temporary:
        model.save(temporary)


def load_model(path: str | Path) -> keras.Model:
    """The model of a run's directory, or of any `.keras` file; nothing in the file is executed.

    Raises:
        ModelError: there is no such file, it is not a model of Keras 3, it is damaged, or it asks to execute code.
    """
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    if _has_code(path):
        raise ModelError(
            f"{path} asks to execute Python that is stored in it (a Lambda layer, or a lambda), and that is never "
            f"done: build the model from a layer class in place of the lambda, and save it again."
        )
    try:
        with warnings.catch_warnings():
            # A model that was compiled and never trained has nothing to load there: no loss.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            model = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # a file from somebody else can make Keras raise anything
        raise ModelError(
            f"Keras cannot open {path} ({_first_sentence(error)}): if the model has classes or functions of your "
            f"own, decorate them with @keras.saving.register_keras_serializable() and import them first (on the "
            f"command line: --model mine.py:build)."
        ) from error
    if not isinstance(model, keras.Model):
        raise ModelError(f"{path} holds a {type(model).__name__}, and should hold a model: save it with model.save.")
    return model


def is_all_keras(model: keras.Model) -> bool:
    """Whether a model is made of Keras's own parts, and of no Python, so that its file opens wherever Keras is."""
    return _all_parts_keras(keras.saving.serialize_keras_object(model))


def _all_parts_keras(config) -> bool:
    if isinstance(config, dict):
        own = str(config.get("module", "keras")).split(".")[0] == "keras"
        return own and not _is_python(config) and all(map(_all_parts_keras, config.values()))
    return not isinstance(config, list | tuple) or all(map(_all_parts_keras, config))


def _is_python(config: dict) -> bool:
    """Whether this is a Lambda layer, a lambda, or the bare code that Keras keeps of a lambda as an activation."""
    return config.get("class_name") in ("Lambda", LAMBDA) or isinstance(config.get("value"), tuple)


def _has_code(path: Path) -> bool:
    """Whether a `.keras` file has Python stored in it. Keras refuses that as well, but can be talked out of it."""
    if not path.is_file():
        raise ModelError(f"There is no file {path}: give a run's directory, or a .keras file.")
    try:
        with zipfile.ZipFile(path) as file:
            if path.suffix == ".keras":
                return _names_code(json.loads(file.read("config.json")))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. Ask its owner for leave to read it.") from error
    except Exception:  # damaged in one of many ways
        pass
    raise ModelError(
        f'{path} is not a file of Keras 3, or is damaged: open it where it was made, and model.save("….keras").'
    )


def _names_code(config) -> bool:
    if isinstance(config, dict):
        return config.get("class_name") == LAMBDA or any(map(_names_code, config.values()))
    return isinstance(config, list) and any(map(_names_code, config))


def _first_sentence(error: Exception) -> str:
    """Of the innermost cause: Keras wraps it in the class that holds it, with all of its config."""
    cause = str(error).split("Exception encountered: ")[-1].strip()
    return cause.split("\n")[0].split(". ")[0].rstrip(".")[:200] or type(error).__name__
