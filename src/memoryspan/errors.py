"""The errors that a person can cause and mend.

MemoryspanError (a ValueError)
├── BackendError     Keras already runs on another backend
├── TaskError        a task's settings, or a sequence, make no sense
│   ├── InsufficientMemoryError  what was asked for does not fit into memory
│   └── SettingError             a setting has a value that makes no sense
├── ModelError       a model that does not fit the task, or is not compiled
├── RunError         a run directory that is missing, locked, damaged, in the way
└── UserCodeError    a task or model from a file outside the package: it does not run, or is not one

Each carries one sentence: what was wrong, what was expected, what to type instead.
The command line prints it and exits with 2.
"""


class MemoryspanError(ValueError):
    """Base of every error that a person can mend."""


class BackendError(MemoryspanError):
    """Keras was imported on a backend other than JAX."""


class TaskError(MemoryspanError):
    """A task's settings, or a sequence given to it, make no sense."""


class InsufficientMemoryError(TaskError):
    """What was asked for does not fit into this machine's memory."""


class SettingError(TaskError):
    """A setting has a value that makes no sense.

    The sentence writes settings as Python does, `length=50`; the command line puts its options in their place.
    """


class ModelError(MemoryspanError):
    """A model cannot be read, is not compiled, or does not fit the task."""


class RunError(MemoryspanError):
    """A run directory is missing, locked, damaged or in the way."""


class UserCodeError(MemoryspanError):
    """A task or a model from a file outside the package does not run, or is not one."""
