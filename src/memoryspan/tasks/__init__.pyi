from .adding import Adding as Adding
from .base import Batch as Batch
from .base import Task as Task
from .base import require_task as require_task
from .classification import Classification as Classification
from .copying import Copy as Copy
from .delay import Delay as Delay
from .distractors import Distractors as Distractors
from .echo import Echo as Echo
from .embedded_reber import EmbeddedReber as EmbeddedReber
from .induction import Induction as Induction
from .long_lag import LongLag as LongLag
from .match import Match as Match
from .parity import Parity as Parity
from .recall import Recall as Recall
from .registry import TASKS as TASKS
from .registry import make_task as make_task
from .registry import spec_of as spec_of
from .registry import task_config as task_config
from .registry import task_named as task_named
from .selective_copy import SelectiveCopy as SelectiveCopy
from .temporal_order import TemporalOrder as TemporalOrder

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
    "task_config",
    "task_named",
]
