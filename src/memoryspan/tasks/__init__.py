"""What there is to remember. One file a task; a new one is a file and a word here."""

from memoryspan.errors import TaskError
from memoryspan.tasks.base import Batch, Task
from memoryspan.tasks.echo import Echo

TASKS = {task.name: task for task in (Echo,)}
"""The tasks of the package, by the name that the command line knows."""


def task_named(name: str) -> type[Echo]:
    """The task of this name; raises `TaskError` where there is none."""
    if name not in TASKS:
        raise TaskError(f"There is no task {name!r}: use {' or '.join(TASKS)}.")
    return TASKS[name]


__all__ = ["TASKS", "Batch", "Echo", "Task", "task_named"]
