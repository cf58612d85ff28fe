"""The record of a run, from its task, model and settings."""

from datetime import UTC, datetime

import msgspec

from memoryspan._version import __version__
from memoryspan.accuracy import accuracy_record
from memoryspan.backend import keras
from memoryspan.engine import Forward
from memoryspan.environment import environment
from memoryspan.files.json import to_builtins
from memoryspan.runs.record import Config, Record, Resolved, Results
from memoryspan.spec import Spec
from memoryspan.tasks import Task, task_config
from memoryspan.training import Status, TrainConfig, TrainSnapshot


def new_record(model: keras.Model, fwd: Forward, task: Task, config: TrainConfig, builder: Spec) -> Record:
    """Return the record of a run that starts here and now."""
    return Record(
        memoryspan=__version__,
        created=datetime.now(UTC),
        config=Config(task_config(task), builder, to_builtins(config)),
        resolved=Resolved(
            parameters=model.count_params(),
            engine=fwd.engine,
            reason=fwd.reason,
            optimizer=Spec(type(model.optimizer).__name__, to_builtins(model.optimizer.get_config())),
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


def _name_of(loss) -> str:
    return loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", repr(loss))
