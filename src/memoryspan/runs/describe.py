"""The record of a run, from the objects that it is about."""

from datetime import UTC, datetime

import msgspec

from memoryspan._version import __version__
from memoryspan.accuracy import accuracy_record
from memoryspan.backend import keras
from memoryspan.engine import Forward
from memoryspan.environment import environment
from memoryspan.errors import TaskError
from memoryspan.files.versioned import plain
from memoryspan.runs.record import Asked, Record, Resolved, Results
from memoryspan.spec import Spec
from memoryspan.tasks import Task, spec_of
from memoryspan.training import Status, TrainConfig, TrainSnapshot


def begun(model: keras.Model, fwd: Forward, task: Task, settings: TrainConfig, made_by: Spec) -> Record:
    """Of a run that begins, here and now."""
    return Record(
        memoryspan=__version__,
        created=datetime.now(UTC),
        asked=Asked(asked_task(task), made_by, plain(settings)),
        resolved=Resolved(
            parameters=model.count_params(),
            engine=fwd.engine,
            reason=fwd.reason,
            optimizer=Spec(type(model.optimizer).__name__, plain(model.optimizer.get_config())),
            loss=_name_of(model.loss),
        ),
        environment=environment(),
    )


def ended(record: Record, status: Status, position: TrainSnapshot) -> Record:
    """Of the same run, once it has ended at this position."""
    row, accuracy = position.row, position.accuracy
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


def asked_task(task: Task) -> Spec:
    """What a task is called in a record, with all of its settings; raises `TaskError` where JSON cannot hold them."""
    try:
        return msgspec.structs.replace(spec_of(task), settings=plain(task))
    except (AttributeError, TypeError, ValueError):
        raise TaskError(
            f"The settings of a task are kept as JSON, and should be numbers, words, or lists of such, got {task}."
        ) from None


def _name_of(loss) -> str:
    return loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", repr(loss))
