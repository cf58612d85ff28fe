"""What there is to remember. One file a task; a new one is a file and a word here."""

from collections.abc import Callable

from memoryspan import user_code
from memoryspan.errors import UserCodeError
from memoryspan.spec import Spec, call, unknown
from memoryspan.tasks.adding import Adding
from memoryspan.tasks.base import Batch, Task, require_task
from memoryspan.tasks.classification import Classification
from memoryspan.tasks.copying import Copy
from memoryspan.tasks.delay import Delay
from memoryspan.tasks.distractors import Distractors
from memoryspan.tasks.echo import Echo
from memoryspan.tasks.embedded_reber import EmbeddedReber
from memoryspan.tasks.induction import Induction
from memoryspan.tasks.long_lag import LongLag
from memoryspan.tasks.match import Match
from memoryspan.tasks.parity import Parity
from memoryspan.tasks.recall import Recall
from memoryspan.tasks.selective_copy import SelectiveCopy
from memoryspan.tasks.temporal_order import TemporalOrder

_KINDS = (
    Echo,
    Delay,
    Match,
    Copy,
    SelectiveCopy,
    Recall,
    Induction,
    Parity,
    Adding,
    TemporalOrder,
    LongLag,
    Distractors,
    EmbeddedReber,
)

TASKS = {task.name: task for task in _KINDS}
"""The tasks of the package, by the name that the command line knows."""


def task_named(name: str) -> Callable[..., Task]:
    """The class of a task: one of the package's, or a stranger's, like `mine.py:MyTask`.

    Raises:
        TaskError: there is none of this name.
        UserCodeError: the file has none, or does not run.
    """
    if user_code.is_import_path(name):
        return _loaded(name)
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]


def make_task(named: Spec) -> Task:
    """The task of this name with these settings; raises as `task_named` does, and where a setting makes no sense."""
    kind = task_named(named.name)
    if not user_code.is_import_path(named.name):
        return call(kind, named.name, named.settings)
    with user_code.aside():
        task = call(kind, named.name, named.settings)
        require_task(task, named.name)
    return task


def spec_of(task: Task) -> Spec:
    """What a task is called in a record, its settings left out.

    One of the package's by its name, a stranger's as a person has named its class, with the hash of the file that was
    named. A class that nobody has named is called by the module that defines it.
    """
    kind = type(task)
    if TASKS.get(task.name) is kind:
        return Spec(task.name)
    return _NAMED.get(kind) or Spec(f"{kind.__module__}:{kind.__qualname__}")


_NAMED: dict[type, Spec] = {}
"""What the classes of strangers' tasks were called when they were last named: a class does not know where it was found,
for a file may have it from another."""


def _loaded(name: str) -> type:
    expected = "a task: a frozen dataclass like memoryspan.tasks.echo.Echo"
    kind = user_code.load(name, expected)
    if not isinstance(kind, type):
        raise UserCodeError(f"{name} should be the class of {expected}, and it is {kind!r}: give the class.")
    _NAMED[kind] = Spec(name, sha256=user_code.sha256(name))
    return kind


__all__ = [
    "TASKS",
    "Adding",
    "Batch",
    "Classification",
    "Copy",
    "Delay",
    "Distractors",
    "Echo",
    "EmbeddedReber",
    "Induction",
    "LongLag",
    "Match",
    "Parity",
    "Recall",
    "SelectiveCopy",
    "Task",
    "TemporalOrder",
    "make_task",
    "require_task",
    "spec_of",
    "task_named",
]
