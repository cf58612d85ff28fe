"""The tasks of the package by name, and those from files of users."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from memoryspan import user_code
from memoryspan.errors import TaskError, UserCodeError
from memoryspan.files.json import to_builtins
from memoryspan.registry import Registry
from memoryspan.spec import Spec, call, require_spec, unknown
from memoryspan.validate import checked, shown

if TYPE_CHECKING:
    from memoryspan.tasks.base import Task

TASKS: Registry[type["Task"]] = Registry(
    {
        "echo": "memoryspan.tasks.echo:Echo",
        "delay": "memoryspan.tasks.delay:Delay",
        "match": "memoryspan.tasks.match:Match",
        "copy": "memoryspan.tasks.copying:Copy",
        "selective_copy": "memoryspan.tasks.selective_copy:SelectiveCopy",
        "recall": "memoryspan.tasks.recall:Recall",
        "induction": "memoryspan.tasks.induction:Induction",
        "parity": "memoryspan.tasks.parity:Parity",
        "adding": "memoryspan.tasks.adding:Adding",
        "temporal_order": "memoryspan.tasks.temporal_order:TemporalOrder",
        "long_lag": "memoryspan.tasks.long_lag:LongLag",
        "distractors": "memoryspan.tasks.distractors:Distractors",
        "embedded_reber": "memoryspan.tasks.embedded_reber:EmbeddedReber",
    }
)
"""The tasks of the package, by the name that the command line knows."""


_SYNONYMS = {
    **dict.fromkeys(("mqar", "associative_recall", "needle", "key_value"), "recall"),
    **dict.fromkeys(("induction_head", "induction_heads"), "induction"),
    **dict.fromkeys(("copying", "copy_memory", "memory_copy"), "copy"),
    **dict.fromkeys(("addition", "adding_problem"), "adding"),
    **dict.fromkeys(("memory_capacity", "delayed_echo", "n_back"), "delay"),
    **dict.fromkeys(("order", "xor_order"), "temporal_order"),
    "reber": "embedded_reber",
    "xor": "parity",
}
"""Names of the field for a task of the package, or for its nearest relative."""


@checked
def task_named(name: str) -> Callable[..., "Task"]:
    """Return the class of a task: one of the package, or one from a file, like `mine.py:MyTask`.

    Raises:
        TaskError: no task has this name.
        UserCodeError: the file has no such task, or does not run.
    """
    if user_code.is_import_path(name):
        return _loaded(name)
    if name not in TASKS:
        raise unknown("task", name, TASKS, _SYNONYMS)
    return TASKS[name]


@checked
def make_task(named: Spec) -> "Task":
    """Return the task of this name with these settings; raises as `task_named`, and where a setting makes no sense."""
    require_spec(named)
    kind = task_named(named.name)
    if not user_code.is_import_path(named.name):
        return call(kind, named.name, named.settings)
    from memoryspan.tasks.base import require_task

    with user_code.aside():
        task = call(kind, named.name, named.settings)
        require_task(task, named.name)
    return task


@checked
def spec_of(task: "Task") -> Spec:
    """Return what a task is called in a record, without its settings.

    A task of the package is called by its name, and a task from a file as it was named, with the hash of that file. A
    class that was never named is called by the module that defines it.
    """
    kind = type(task)
    if not isinstance(getattr(task, "name", None), str) or isinstance(task, type):
        raise TaskError(f"A task should be a dataclass like Echo(length=50), got {shown(task)}.")
    if TASKS.get(task.name) is kind:
        return Spec(task.name)
    return _NAMED.get(kind) or Spec(f"{kind.__module__}:{kind.__qualname__}")


def task_config(task: "Task") -> Spec:
    """Return a task's name and all of its settings; raises `TaskError` where JSON cannot hold them."""
    try:
        return msgspec.structs.replace(spec_of(task), settings=to_builtins(task))
    except (AttributeError, TypeError, ValueError):
        raise TaskError(
            f"The settings of a task are kept as JSON, and should be numbers, words, or lists of such, got {task}."
        ) from None


_NAMED: dict[type, Spec] = {}
"""Classes of user code, as they were last named. A class does not know its file: another file may have imported it."""


def _loaded(name: str) -> type:
    expected = "a task: a frozen dataclass like memoryspan.tasks.echo.Echo"
    kind = user_code.load(name, expected)
    if not isinstance(kind, type):
        raise UserCodeError(f"{name} should be the class of {expected}, and it is {kind!r}: give the class.")
    _NAMED[kind] = Spec(name, sha256=user_code.sha256(name))
    return kind
