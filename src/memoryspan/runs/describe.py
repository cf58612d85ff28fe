"""The record of a run, from its task, model and settings."""

from datetime import UTC, datetime

import msgspec

from memoryspan._version import __version__
from memoryspan.accuracy import accuracy_record
from memoryspan.backend import keras
from memoryspan.engine import Forward
from memoryspan.environment import environment
from memoryspan.errors import TaskError
from memoryspan.files.versioned import plain
from memoryspan.runs.record import Config, Record, Resolved, Results
from memoryspan.spec import Spec
from memoryspan.tasks import Task, spec_of
from memoryspan.training import Status, TrainConfig, TrainSnapshot


def new_record(model: keras.Model, fwd: Forward, task: Task, settings: TrainConfig, made_by: Spec) -> Record:
    """Return the record of a run that starts here and now."""
    return Record(
        memoryspan=__version__,
        created=datetime.now(UTC),
        config=Config(task_config(task), made_by, plain(settings)),
        resolved=Resolved(
            parameters=model.count_params(),
            engine=fwd.engine,
            reason=fwd.reason,
            optimizer=Spec(type(model.optimizer).__name__, plain(model.optimizer.get_config())),
            loss=_name_of(model.loss),
        ),
        environment=environment(),
    )


def finish_record(record: Record, status: Status, snapshot: TrainSnapshot) -> Record:
    """Return the record of the same run, once it has ended at this snapshot."""
    row, accuracy = snapshot.row, snapshot.accuracy
    results = Results(
        updates=row.updates,
        examples=row.examples,
        tokens=row.tokens,
        skipped=row.skipped,
        seconds=row.seconds,
        length=row.length,
        accuracy=accuracy_record(accuracy) if accuracy else None,
    )
    return msgspec.structs.replace(record, status=status.value, results=results)


def task_config(task: Task) -> Spec:
    """Return a task's name and all of its settings; raises `TaskError` where JSON cannot hold them."""
    try:
        return msgspec.structs.replace(spec_of(task), settings=plain(task))
    except (AttributeError, TypeError, ValueError):
        raise TaskError(
            f"The settings of a task are kept as JSON, and should be numbers, words, or lists of such, got {task}."
        ) from None


def _name_of(loss) -> str:
    return loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", repr(loss))
