from .history_file import history as history
from .model_file import load_model as load_model
from .record import Record as Record
from .run import Run as Run
from .saved import SavedRun as SavedRun

__all__ = ["Record", "Run", "SavedRun", "history", "load_model"]
