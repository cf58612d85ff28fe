from .history_file import history as history
from .model_file import load_model as load_model
from .record import Record as Record
from .run import Run as Run
from .run import carry_on as carry_on
from .run import resume as resume
from .run import start as start
from .saved import SavedRun as SavedRun
from .saved import open_run as open_run

__all__ = [
    "Record",
    "Run",
    "SavedRun",
    "carry_on",
    "history",
    "load_model",
    "open_run",
    "resume",
    "start",
]
