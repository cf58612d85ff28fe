"""The JSON of a `.keras` file, before Keras reads it: stored Python, what it was compiled with, what is not found."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from memoryspan.backend import keras

LAMBDA = "__lambda__"
"""The class name that Keras gives to Python that is stored in a file."""

COMPILED = "compile_config"
"""The key under which an object of a file has what it was compiled with."""

_ROLES = {
    "learning_rate": "learning-rate schedule",
    "metrics": "metric",
    "weighted_metrics": "metric",
}


class Part(NamedTuple):
    """A class or function that a file needs, by its role: "loss", "metric", "optimizer", "learning-rate schedule"."""

    role: str
    kind: str
    """One of "class", "function" and "lambda"."""
    name: str

    def __str__(self) -> str:
        return f"{self.role} (a lambda)" if self.kind == "lambda" else f"{self.role} {self.name} (a {self.kind})"


def has_lambda(config: Any) -> bool:
    """Return whether Python is stored in a configuration."""
    return any(_is_lambda(each) for each in _objects(config))


def places_of_lambdas(config: Any, place: str = "the model") -> list[str]:
    """Return the layers in which Python is stored, each once: `["the Lambda layer 'scale'"]`."""
    if isinstance(config, list):
        found = [each for item in config for each in places_of_lambdas(item, place)]
    elif not isinstance(config, dict):
        return []
    elif _is_lambda(config):
        return [place]
    else:
        inner = config.get("config")
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            place = f"the {config.get('class_name')} layer {inner['name']!r}"
        found = [each for item in config.values() for each in places_of_lambdas(item, place)]
    return list(dict.fromkeys(found))


def uncompiled(config: Any) -> Any:
    """Return a copy of a configuration in which nothing is compiled, the models inside the model included."""
    if isinstance(config, dict):
        is_object = "class_name" in config
        return {key: uncompiled(value) for key, value in config.items() if not (is_object and key == COMPILED)}
    return [uncompiled(each) for each in config] if isinstance(config, list) else config


def compiled_with(config: Any) -> list[tuple[str, Any]]:
    """Return what the model, and each model inside it, is compiled with, as pairs of role and configuration."""
    found = [each[COMPILED] for each in _objects(config) if isinstance(each.get(COMPILED), dict)]
    return [(_ROLES.get(str(key), str(key)), value) for each in found for key, value in each.items()]


def missing_parts(config: Any, role: str) -> list[Part]:
    """Return the classes, functions and lambdas of a configuration that Keras cannot find, each once."""
    parts = [part._replace(name=part.name.split(">")[-1]) for part in _missing_parts(config, role)]
    return list(dict.fromkeys(parts))


def registered_here(config: Any) -> dict[str, Any]:
    """Return classes and functions, by their names in the file, that were registered after the file was written.

    Keras registers them as `package>name`, and a file from before has the bare name.
    """
    known = {name.split(">")[-1]: value for name, value in keras.saving.get_custom_objects().items()}
    names = {part.name for part in _missing_parts(config, "")}
    return {name: known[name] for name in names if name in known}


def _objects(config: Any) -> Iterator[dict]:
    """Yield the dictionaries in a configuration, outermost first."""
    if isinstance(config, dict):
        yield config
    if isinstance(config, dict | list):
        for each in config.values() if isinstance(config, dict) else config:
            yield from _objects(each)


def _is_lambda(config: dict) -> bool:
    """Return whether this is a lambda, or the bare code that Keras keeps of one as an activation."""
    value = config.get("value")
    bare = set(config) == {"value"} and isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)
    return bare or config.get("class_name") == LAMBDA


def _missing_parts(config: Any, role: str) -> Iterator[Part]:
    if isinstance(config, list):
        for each in config:
            yield from _missing_parts(each, role)
    if not isinstance(config, dict):
        return
    if _is_lambda(config):
        yield Part(role, "lambda", "lambda")
        return
    name = _name_of_missing(config)
    if name is not None:
        yield Part(role, "function" if config["class_name"] == "function" else "class", name)
    for key, value in config.items():
        yield from _missing_parts(value, _ROLES.get(key, role))


def _name_of_missing(config: dict) -> str | None:
    """Return the name of a class or function that is neither Keras's nor registered; None for all else."""
    kind, inner, module = config.get("class_name"), config.get("config"), str(config.get("module") or "")
    if not isinstance(kind, str) or "config" not in config or kind.startswith("__"):
        return None
    if kind == "function":
        found = not isinstance(inner, str) or _is_function(config)
        return None if found else str(inner)
    registered = config.get("registered_name") or kind
    if module.split(".")[0] == "keras" or keras.saving.get_registered_object(registered) is not None:
        return None
    return str(registered)


def _is_function(config: dict) -> bool:
    try:
        return callable(keras.saving.deserialize_keras_object(config))
    except Exception:  # Keras raises several kinds
        return False
