"""What remembers. One file a family, each a builder that returns an ordinary, compiled Keras model for a task."""

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

from memoryspan import strangers
from memoryspan.backend import keras
from memoryspan.errors import StrangerError, TaskError
from memoryspan.models.gru import gru
from memoryspan.models.lru import lru
from memoryspan.models.lstm import lstm
from memoryspan.models.min_gru import min_gru
from memoryspan.models.min_lstm import min_lstm
from memoryspan.models.simple_rnn import simple_rnn
from memoryspan.models.tcn import tcn
from memoryspan.models.transformer import transformer
from memoryspan.named import Named, call, unknown
from memoryspan.tasks import Task

MODELS = {build.__name__: build for build in (lstm, gru, simple_rnn, min_gru, min_lstm, lru, transformer, tcn)}
"""The builders of the package, by the name that the command line knows."""


def model_named(name: str) -> Callable[..., Any]:
    """The builder of a model: one of the package's, or a stranger's, like `mine.py:build`.

    Raises:
        TaskError: there is none of this name.
        StrangerError: the file has none, or does not run.
    """
    if strangers.is_stranger(name):
        return strangers.load(name, "a function from a task to a compiled keras.Model")
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return MODELS[name]


def make_model(named: Named, task: Task, seed: int) -> keras.Model:
    """The model of this name with these settings for a task, its initial weights decided by the seed.

    Raises as `model_named` does, and:
        StrangerError: the builder does not return a Keras model.
        TaskError: a setting makes no sense.
    """
    named = resolved(named, task)
    build = partial(model_named(named.name), task)
    seeded = "seed" in signature(build).parameters
    if not seeded:  # then Keras's own generator decides
        keras.utils.set_random_seed(seed)
    model = call(build, named.name, {**named.settings, **({"seed": seed} if seeded else {})})
    if not isinstance(model, keras.Model):
        raise StrangerError(f"{named.name} should return a compiled keras.Model, and it returned {model!r}.")
    return model


def resolved(named: Named, task: Task) -> Named:
    """The same model with its `units`, where it was asked for by its number of parameters on this task."""
    if "parameters" not in named.settings:
        return named
    from memoryspan.models.sized import units_for

    settings = dict(named.settings)
    most = settings.pop("parameters")
    if "units" in settings:
        raise TaskError(f"{named.name} is as wide as its units or as its parameters say: give one of the two.")
    return Named(named.name, settings).having(units=units_for(model_named(named.name), task, most, **settings))


def in_full(named: Named) -> Named:
    """The same model with all of its settings but the seed, and where it is a stranger's the hash of its file."""
    build = model_named(named.name)
    _, *parameters = signature(build).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
    ignored = {"seed", *(["units"] if "parameters" in named.settings else [])}
    settings = {name: value for name, value in {**defaults, **named.settings}.items() if name not in ignored}
    found = strangers.origin(build, named.name.split(":")[-1])
    return Named(named.name, settings, found.sha256 if found else None)


__all__ = ["MODELS", "in_full", "lstm", "make_model", "model_named", "resolved"]
