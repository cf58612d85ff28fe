"""Tasks and models from files outside the package: `mine.py:MyTask`, `package.module:build`.

They are imported when a person names them on the command line, and never because a record does. What goes wrong in
them is shown as theirs.
"""

import hashlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from memoryspan.errors import StrangerError


class Origin(NamedTuple):
    """Where a thing comes from, if not from the package."""

    name: str
    """As it was given: `mine.py:MyTask`."""
    sha256: str
    """Of its file."""


def is_stranger(name: str) -> bool:
    """Whether a name means something outside the package."""
    return ":" in name or name.endswith(".py")


def load(name: str, expected: str) -> Any:
    """What `mine.py:name` or `package.module:name` names; `expected` says in words what that should be.

    Raises:
        StrangerError: there is no such file, it does not run, or it has nothing of that name.
    """
    place, _, attribute = name.rpartition(":")
    if not place or not attribute:
        raise StrangerError(f"{name} does not say what to take from it: write {name.rstrip(':')}:NAME, {expected}.")
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place)
    if not hasattr(module, attribute):
        found = [own for own, thing in vars(module).items() if getattr(thing, "__module__", None) == module.__name__]
        raise StrangerError(
            f"{place} has nothing called {attribute!r}, {expected}: it has {', '.join(found) or 'nothing of its own'}."
        )
    return getattr(module, attribute)


def origin(thing: Any, attribute: str) -> Origin | None:
    """Where a class or function comes from; None for the package's own, and for what no file holds."""
    module = sys.modules.get(getattr(thing, "__module__", ""))
    place = getattr(module, _PLACE, None)
    if module is None or place is None or module.__file__ is None:
        return None
    return Origin(f"{place}:{attribute}", hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest())


def blame(error: BaseException) -> str | None:
    """The error in a sentence, if it was raised in, or below, a stranger's code."""
    theirs = {module.__file__: place for module in list(sys.modules.values()) if (place := vars(module).get(_PLACE))}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in theirs]
    if isinstance(error, SyntaxError) and error.filename in theirs:
        return f"{theirs[error.filename]}, line {error.lineno}: {error.msg}."
    if not frames:
        return None
    last = frames[-1]
    what = str(error).strip().split("\n")[0].rstrip(".")
    return f"{theirs[last.filename]}, line {last.lineno}, in {last.name}: {type(error).__name__}: {what}."


_PLACE = "__memoryspan_place__"
"""The attribute of a stranger's module that says how it was named."""


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise StrangerError(f"There is no file {path}: give the path of a Python file, from here.")
    file = str(path.resolve())
    name = f"{path.stem}_{hashlib.sha256(file.encode()).hexdigest()[:8]}"  # two files may have the same stem
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    setattr(module, _PLACE, str(path))
    sys.modules[name] = module  # dataclasses look their module up
    folder = str(path.resolve().parent)
    if folder not in sys.path:  # what lies beside it can be imported, as when Python runs it
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        sentence = blame(error)
        del sys.modules[name]
        if not isinstance(error, Exception):
            raise
        raise StrangerError(sentence or f"{path} cannot be imported: {error}.") from error
    return module


def _from_module(place: str) -> ModuleType:
    if "" not in sys.path:
        sys.path.insert(0, "")  # a command has its own directory there, and not the working directory
    try:
        module = importlib.import_module(place)
    except Exception as error:
        raise StrangerError(f"The module {place} cannot be imported: {type(error).__name__}: {error}.") from error
    if not place.startswith("memoryspan."):
        setattr(module, _PLACE, place)
    return module
