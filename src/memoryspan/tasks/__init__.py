"""What there is to remember. One file a task; a new one is a file and a line here."""

from memoryspan.tasks.base import Batch, Task
from memoryspan.tasks.echo import Echo

TASKS: dict[str, type[Task]] = {task.name: task for task in (Echo,)}
"""The tasks of the package, by the name that the command line knows."""

__all__ = ["TASKS", "Batch", "Echo", "Task"]
