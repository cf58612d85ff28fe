"""Files and folders that are not `.keras` files of Keras 3: what they are, and how to make such a file of them."""

import zipfile
from pathlib import Path

import h5py

from memoryspan.runs.keras_zip import read_json

HDF5 = b"\x89HDF\r\n\x1a\n"
"""The first bytes of every HDF5 file."""

UNKNOWN_TO_KERAS_3 = ("time_major", "Lambda")
"""Words in a configuration that Keras 3 refuses: a setting of Keras 2's recurrent layers, and stored Python."""


def is_saved_model(path: Path) -> bool:
    """Return whether a folder is a SavedModel of TensorFlow."""
    return (path / "saved_model.pb").is_file()


def is_unzipped(path: Path) -> bool:
    """Return whether a folder is what Keras 3 writes with `model.save(…, zipped=False)`."""
    return (path / "config.json").is_file() and (path / "metadata.json").is_file()


def what_instead(path: Path) -> str | None:
    """Return what a file or a folder is, and how to make a `.keras` file of it; None where that is not known."""
    if path.is_dir():
        return _folder(path)
    with path.open("rb") as file:
        begins = file.read(len(HDF5))
    if begins == HDF5:
        return _hdf5(path)
    if path.suffix != ".keras" and _is_keras_zip(path):
        return f"{path} is a .keras file under another name: rename it to {_keras(path)}."
    return None


def by_weights(path: str, new: str) -> str:
    """Return the recipe that takes the weights alone from a file."""
    return f"build the same layers in Keras 3, then model.load_weights({path!r}) and model.save({new!r})."


def new_name(path: Path) -> str:
    """Return the name of the `.keras` file that is made of a file, and does not overwrite it."""
    new = _keras(path)
    return str(new if new != path else path.with_name(f"{path.stem}-keras3.keras"))


def _folder(path: Path) -> str | None:
    if is_saved_model(path):
        old = f"{path.name}.h5"
        return (
            f"{path} is a SavedModel of TensorFlow, and Keras 3 does not open it as a model. Where TensorFlow and "
            f"tf_keras are installed, tf_keras.models.load_model({str(path)!r}).save({old!r}). After that, "
            + by_weights(old, f"{path.name}.keras")
        )
    if is_unzipped(path):
        new = f"{path.name}.keras"
        return (
            f"{path} is a model of Keras 3 that was not zipped: keras.saving.load_model({str(path)!r}).save({new!r})."
        )
    return None


def _hdf5(path: Path) -> str:
    try:
        with h5py.File(path) as file:
            config, version = (_text(file.attrs.get(name)) for name in ("model_config", "keras_version"))
            old_weights = "layer_names" in file.attrs
            new_weights = "layers" in file or "_layer_checkpoint_dependencies" in file
    except (OSError, RuntimeError, ValueError):
        return f"{path} is a damaged HDF5 file: copy it again from where it was made."
    by = f" of Keras {version}" if version else ""
    if new_weights and not old_weights and config is None:
        old, first = _under(path, (".weights.h5",), ".weights.h5")
        return f"{path} holds weights, and no model: {first}{by_weights(old, new_name(path))}"
    old, first = _under(path, (".h5", ".hdf5"), ".h5")
    if config is not None and not any(word in config for word in UNKNOWN_TO_KERAS_3):
        return (
            f"{path} is an HDF5 file{by}: {first}keras.saving.load_model({old!r}, compile=False)"
            f".save({new_name(path)!r}) makes a .keras file of it. If Keras 3 refuses a layer, "
            + by_weights(old, new_name(path))
        )
    if config is not None:
        return f"{path} is an HDF5 file{by}, which Keras 3 cannot open: {first}{by_weights(old, new_name(path))}"
    if old_weights:
        return f"{path} holds weights{by}, and no model: {first}{by_weights(old, new_name(path))}"
    return f'{path} is an HDF5 file, and holds no model of Keras: save the model with model.save("….keras").'


def _under(path: Path, endings: tuple[str, ...], ending: str) -> tuple[str, str]:
    """Return the name under which Keras reads a file, and the words that rename it to that."""
    legacy = ending == ".h5"
    if path.name.endswith(endings) and not (legacy and path.name.endswith(".weights.h5")):
        return str(path), ""
    stem = path.name.removesuffix(".h5").removesuffix(".hdf5").removesuffix(".keras").removesuffix(".weights")
    name = str(path.with_name(stem + ("-old.h5" if legacy and path.name.endswith(".weights.h5") else ending)))
    return name, f"rename it to {name}, "


def _keras(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".h5").removesuffix(".weights")).with_suffix(".keras")


def _is_keras_zip(path: Path) -> bool:
    try:
        return "keras_version" in read_json(path, "metadata.json")
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return False


def _text(attribute) -> str | None:
    return attribute.decode(errors="replace") if isinstance(attribute, bytes) else attribute
