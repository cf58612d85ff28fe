"""The models of the package by name, and those from files of users."""

from collections.abc import Callable
from functools import partial
from inspect import isfunction, signature
from typing import TYPE_CHECKING, Any

import msgspec

from memoryspan import user_code
from memoryspan.errors import TaskError, UserCodeError
from memoryspan.registry import Registry
from memoryspan.spec import Spec, call, require_spec, takes, unknown
from memoryspan.validate import checked, seed_number, shown

if TYPE_CHECKING:
    from memoryspan.backend import keras
    from memoryspan.tasks import Task

MODELS: Registry[Callable[..., "keras.Model"]] = Registry(
    {
        "lstm": "memoryspan.models.recurrent:lstm",
        "gru": "memoryspan.models.recurrent:gru",
        "simple_rnn": "memoryspan.models.recurrent:simple_rnn",
        "min_gru": "memoryspan.models.minimal:min_gru",
        "min_lstm": "memoryspan.models.minimal:min_lstm",
        "lru": "memoryspan.models.linear_recurrent:lru",
        "transformer": "memoryspan.models.attention:transformer",
        "tcn": "memoryspan.models.convolutional:tcn",
        "mamba": "memoryspan.models.stacks:mamba",
        "mamba2": "memoryspan.models.stacks:mamba2",
        "hawk": "memoryspan.models.stacks:hawk",
        "mlstm": "memoryspan.models.stacks:mlstm",
        "slstm": "memoryspan.models.stacks:slstm",
        "gla": "memoryspan.models.stacks:gla",
        "delta_net": "memoryspan.models.stacks:delta_net",
        "gated_delta_net": "memoryspan.models.stacks:gated_delta_net",
        "delta_product": "memoryspan.models.stacks:delta_product",
        "stack": "memoryspan.models.stacks:stack",
    }
)
"""The builders of the package, by the name that the command line knows."""


_SYNONYMS = {
    **dict.fromkeys(("rnn", "elman", "vanilla_rnn"), "simple_rnn"),
    **dict.fromkeys(("s4", "s4d", "s5", "linear_rnn"), "lru"),
    **dict.fromkeys(("ssm", "s6"), "mamba"),
    **dict.fromkeys(("griffin", "rg_lru"), "hawk"),
    "xlstm": "mlstm",
    **dict.fromkeys(("attention", "bert", "gpt"), "transformer"),
    **dict.fromkeys(("cnn", "conv", "convolution", "wavenet"), "tcn"),
}
"""Names of the field for a model of the package, or for a family that has one model here."""


@checked
def model_named(name: str) -> Callable[..., Any]:
    """Return the builder of a model: one of the package, or one from a file, like `mine.py:build`.

    Raises:
        TaskError: no model has this name.
        UserCodeError: the file has no such builder, or does not run.
    """
    if user_code.is_import_path(name):
        return user_code.load(name, "a function from a task to a compiled keras.Model")
    if name not in MODELS:
        raise unknown("model", name, MODELS, _SYNONYMS)
    return MODELS[name]


@checked
def make_model(named: Spec, task: "Task", seed: int) -> "keras.Model":
    """Return the model of this name with these settings for a task, its initial weights decided by the seed.

    Raises as `model_named` does, and:
        UserCodeError: the builder is not a function of a task, or does not return a Keras model.
        TaskError: a setting makes no sense.
    """
    from memoryspan.backend import keras

    seed_number(seed)
    named = resolve_units(named, task)
    build = _builder(named.name)
    seeded = "seed" in signature(build).parameters
    if not seeded:  # then Keras's own generator decides
        keras.utils.set_random_seed(seed)
    return _built(named.name, build, task, **{**named.settings, **({"seed": seed} if seeded else {})})


@checked
def resolve_units(named: Spec, task: "Task") -> Spec:
    """Return the spec with `units` in place of `parameters`, their number on this task."""
    require_spec(named)
    if "parameters" not in named.settings:
        return named
    from memoryspan.models.sizing import traced, units_for

    settings = dict(named.settings)
    most = settings.pop("parameters")
    if "units" in settings:
        raise TaskError(f"{named.name} is as wide as its units or as its parameters say: give one of the two.")
    build = _builder(named.name)
    if not takes(build, "units"):
        raise TaskError(
            f"parameters={most} decides the units of a model, and {named.name} has no setting units: give its builder "
            f"one, as in build(task, units=25), or leave parameters out."
        )

    def count_params(units: int) -> int:
        return _built(named.name, build, task, **settings, units=units).count_params()

    units = units_for(count_params if user_code.is_import_path(named.name) else traced(count_params), most)
    return Spec(named.name, settings).with_settings(units=units)


@checked
def with_defaults(named: Spec) -> Spec:
    """Return the spec with all of its settings but the seed and, where it names user code, the hash of the file.

    Defaults that a record cannot hold, like a function, are left out: the file, which the hash identifies, has them.
    """
    require_spec(named)
    _, *parameters = signature(_builder(named.name)).parameters.values()
    defaults = {each.name: each.default for each in parameters if _is_plain(each.default)}
    ignored = {"seed", *(["units"] if "parameters" in named.settings else [])}
    settings = {name: value for name, value in {**defaults, **named.settings}.items() if name not in ignored}
    return Spec(named.name, settings, user_code.sha256(named.name) if user_code.is_import_path(named.name) else None)


def _builder(name: str) -> Callable[..., Any]:
    """Return what `model_named` does; raise `UserCodeError` where it is not a function of a task."""
    build = model_named(name)
    try:
        signature(build).bind_partial(None)
    except (TypeError, ValueError):
        raise UserCodeError(
            f"{name} should be a function from a task to a compiled keras.Model, like build(task, units=25), and it is "
            f"{_described(build)}."
        ) from None
    return build


def _described(build: Any) -> str:
    return f"a function without an argument, {build.__name__}()" if isfunction(build) else shown(build)


def _built(name: str, build: Callable[..., Any], task: "Task", /, **settings: Any) -> "keras.Model":
    """Return what a builder makes of a task; raise `UserCodeError` where that is no Keras model."""
    from memoryspan.backend import keras

    with user_code.aside():
        model = call(partial(build, task), name, settings)
    if not isinstance(model, keras.Model):
        raise UserCodeError(f"{name} should return a compiled keras.Model, and it returned {shown(model)}.")
    return model


def _is_plain(value: Any) -> bool:
    """Return whether JSON gives the value back as it is: not a function, a tuple, or infinity."""
    try:
        return bool(msgspec.json.decode(msgspec.json.encode(value)) == value)
    except (TypeError, ValueError, OverflowError):
        return False
