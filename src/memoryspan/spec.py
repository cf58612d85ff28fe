"""What a task or a model is called, by a person and in a record: a name, and settings.

On the command line `lstm,units=50` is the package's own, `mine.py:build,width=32` is user code.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from memoryspan.errors import TaskError
from memoryspan.printable import printable
from memoryspan.validate import require_settings, shown


class Spec(msgspec.Struct, frozen=True):
    """A task, a builder of models or an optimizer, with its settings."""

    name: str
    settings: dict[str, Any] = {}
    sha256: str | None = None
    """Of the file that it comes from, where that is not the package's."""

    def __str__(self) -> str:
        return printable(",".join([self.name, *(f"{name}={value}" for name, value in self.settings.items())]))

    def with_settings(self, **settings) -> "Spec":
        """Return the spec with these settings as well; those that are None are left out."""
        given = {name: value for name, value in settings.items() if value is not None}
        return msgspec.structs.replace(self, settings={**self.settings, **given})


def require_spec(named: Any) -> None:
    """Raise `TaskError` unless it is a `Spec` whose name is a word."""
    if not (isinstance(named, Spec) and isinstance(named.name, str)):
        raise TaskError(f"A name with settings is a Spec, like Spec('echo', {{'length': 20}}), got {shown(named)}.")


def parse(text: str) -> Spec:
    """Parse `name,setting=value,…`; raises `TaskError` where it does not read like that."""
    try:
        text.encode()
    except UnicodeEncodeError:  # a file's name, which no record could hold
        raise TaskError(f"A task or a model has a name in UTF-8, which {text!r} is not: rename its file.") from None
    name, *pairs = (part.strip() for part in text.split(","))
    settings = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not (key and sign and value):
            raise TaskError(f"Settings follow the name like {name or 'lstm'},units=50, and {text!r} has {pair!r}.")
        settings[key.strip().replace("-", "_")] = _value(value.strip())
    return Spec(name, settings)


def call(kind: Callable, name: str, settings: dict[str, Any]) -> Any:
    """Return `kind(**settings)`; raise `TaskError` where it has no setting of that name, or needs one more."""
    require_settings(inspect.signature(kind).parameters, name, settings, "{},{}".format)
    return kind(**settings)


def takes(kind: Callable, setting: str) -> bool:
    """Return whether `kind` has a setting of that name, or takes any."""
    parameters = inspect.signature(kind).parameters
    return setting in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def without_defaults(named: Spec, kind: Callable) -> Spec:
    """Return the spec as it is typed: without the settings that are the defaults of what it names."""
    parameters = inspect.signature(kind).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    settings = {name: value for name, value in named.settings.items() if defaults.get(name, _NOTHING) != value}
    return msgspec.structs.replace(named, settings=settings)


_NOTHING = object()


def unknown(what: str, name: str, known: Collection[str], synonyms: Mapping[str, str]) -> TaskError:
    """Return the error for a name that is unknown, with the known ones that may be meant.

    Args:
        what: "task" or "model".
        name: what was typed.
        known: the names that there are.
        synonyms: other names of the field for some of these, or for what is nearest to it.
    """
    typed = name.lower().replace("-", "_")
    near = [synonyms[typed]] if typed in synonyms else get_close_matches(typed, known, n=3)
    instead = f"did you mean {' or '.join(near)}?" if near else f"there are {len(known)}, like {next(iter(known))}."
    return TaskError(
        f"There is no {what} {name!r}: {instead} `memoryspan info` lists all, and a file of your own is named like "
        f"mine.py:{'MyTask' if what == 'task' else 'build'}."
    )


def _value(text: str) -> int | float | bool | str:
    words = {"true": True, "false": False}
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return words.get(text.lower(), text)
