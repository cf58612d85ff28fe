"""Tasks and models from files outside the package: `mine.py:MyTask`, `package.module:build`.

They are imported when a person names them on the command line, and never because a record does. What goes wrong in
them is shown as theirs.
"""

import hashlib
import importlib
import os
import re
import sys
import traceback
from contextlib import redirect_stdout
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from memoryspan import user_files
from memoryspan.errors import TaskError, UserCodeError
from memoryspan.validate import shown


def is_import_path(name: str) -> bool:
    """Return whether a name means something outside the package."""
    if not isinstance(name, str):
        raise TaskError(f"A name should be a word, like lstm or mine.py:build, got {shown(name)}.")
    return ":" in name or name.endswith(".py")


def load(name: str, expected: str) -> Any:
    """Return what `mine.py:name` or `package.module:name` names; `expected` says in words what that should be.

    Raises:
        UserCodeError: there is no such file, it does not run, or it has nothing of that name.
    """
    place, _, attribute = name.rpartition(":")
    if not place or not attribute:
        raise UserCodeError(f"{name} does not say what to take from it: write {name.rstrip(':')}:NAME, {expected}.")
    module = _imported(place)
    if not hasattr(module, attribute):
        found = [own for own, thing in vars(module).items() if getattr(thing, "__module__", None) == module.__name__]
        raise UserCodeError(
            f"{place} has nothing called {attribute!r}, {expected}: it has {', '.join(found) or 'nothing of its own'}."
        )
    return getattr(module, attribute)


def sha256(name: str) -> str:
    """Return the SHA-256 of the file of a name, and of those beside it that it imports, as they were imported here.

    Raises:
        UserCodeError: as `load`, and where no file holds it.
    """
    place = name.rpartition(":")[0]
    found = getattr(_imported(place), _SHA256, None)
    if found is None:
        raise UserCodeError(
            f"{place} is not held in a file that can be read, and what is no part of memoryspan is told apart by its "
            f"file: name a file, like mine.py:{name.rpartition(':')[2]}."
        )
    return found


def file_of(name: str) -> str | None:
    """The file that a name names; None where there is none. Imports the packages that a module is in, and not itself.

    Raises:
        ImportError: there is no such package, or it does not run.
    """
    place = name.rpartition(":")[0]
    if place.endswith(".py"):
        return place
    _look_here()
    spec = find_spec(place)
    return spec.origin if spec is not None and spec.has_location else None


def aside() -> redirect_stdout:
    """Send what user code prints to standard error while it runs: standard output has the results."""
    return redirect_stdout(sys.stderr)


def _cause(error: BaseException) -> str:
    """The first line of what an error says; where Keras has wrapped it, of what was wrapped."""
    text = _KERAS.sub("", _COLOUR.sub("", str(error))).strip()
    return text.split("\n")[0].rstrip(".")


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_KERAS = re.compile(r"^(Exception encountered when calling [^\n]*\s*)?(Could not [^\n]*Error encountered:)?")


def blame(error: BaseException) -> str | None:
    """Return the error in a sentence if it was raised in, or below, user code."""
    if isinstance(error, SyntaxError) and (place := _called(error.filename or "")):
        return f"{place}, line {error.lineno}: {error.msg}."
    frames = _own_frames(error)
    if not frames:
        return None
    last = frames[-1]
    return f"{_called(last.filename)}, line {last.lineno}, in {last.name}: {type(error).__name__}: {_cause(error)}."


def own_traceback(error: BaseException | None) -> str:
    """Return the traceback of an error, limited to the frames in user code; empty if `blame` finds none."""
    if error is None or blame(error) is None:
        return ""
    lines = traceback.format_list(_own_frames(error)) + traceback.format_exception_only(error)
    return "".join(["Traceback (your own code, most recent call last):\n", *lines])


def _own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(error.__traceback__) if _called(frame.filename)]


_SHA256 = "__memoryspan_sha256__"
"""The attribute of a module of user code that holds the hash of its file."""

_THEIRS: dict[str, str] = {}
"""What people have named: each file, as they named it, and the folders of each package, by the package's name."""


def _called(file: str) -> str | None:
    """Return what a person calls a file; None if it is not theirs."""
    if file in _THEIRS:
        return _THEIRS[file]
    for folder, package in _THEIRS.items():
        if file.startswith(folder + os.sep):
            inside = Path(file).relative_to(folder).with_suffix("").parts
            return ".".join([package, *inside]).removesuffix(".__init__")
    return None


def _imported(place: str) -> ModuleType:
    with aside():
        return _from_file(Path(place)) if place.endswith(".py") else _from_module(place)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserCodeError(f"There is no file {path}: give the path of a Python file, from here.")
    file = str(path.resolve())
    _THEIRS[file] = str(path)
    name = f"{path.stem}_{hashlib.sha256(os.fsencode(file)).hexdigest()[:8]}"  # two files may have the same stem
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    folder = str(path.resolve().parent)
    if folder not in sys.path:  # what lies beside it can be imported, as when Python runs it
        sys.path.append(folder)
    try:
        files = user_files.sources(path)
        setattr(module, _SHA256, user_files.digest(files))
        for name_beside in files:
            _THEIRS[str((path.parent / name_beside).resolve())] = str(path.parent / name_beside)
        spec.loader.exec_module(module)
        _require_own_neighbours(path, list(files)[1:])
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception):
            raise
        raise UserCodeError(blame(error) or f"{path} cannot be imported: {error}.") from error
    return module


def _require_own_neighbours(path: Path, beside: list[str]) -> None:
    """Raise `UserCodeError` where a name that lies beside a file was imported from somewhere else."""
    for place in beside:
        name, mine = user_files.module_name(place), path.parent / place
        used = getattr(sys.modules.get(name), "__file__", None)
        if used is not None and Path(used).resolve() != mine.resolve():
            raise UserCodeError(
                f"{path} imports {name}, which is {used} in this process and not {mine}: give {mine} another name."
            )


def _from_module(place: str) -> ModuleType:
    _look_here()
    try:
        _remember(place.split(".")[0])
        module = importlib.import_module(place)
        if not hasattr(module, _SHA256) and getattr(module, "__file__", None):
            setattr(module, _SHA256, hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest())
    except Exception as error:
        reason = blame(error) or f"{type(error).__name__}: {error}."
        raise UserCodeError(f"The module {place} cannot be imported: {reason}") from error
    return module


def _remember(package: str) -> None:
    """That a package, or a module that is in none, is a person's; before it is imported, which may fail."""
    spec = find_spec(package)
    if spec is not None and package != "memoryspan":
        places = spec.submodule_search_locations or [spec.origin or package]
        _THEIRS.update(dict.fromkeys(places, package))


def _look_here() -> None:
    """A command has its own directory on the path, and not the working directory: last, so that it hides nothing."""
    if "" not in sys.path:
        sys.path.append("")
