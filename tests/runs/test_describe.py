from datetime import UTC, datetime

import keras
import pytest

from memoryspan import Accuracy, Echo, Status, lstm
from memoryspan.engine import forward
from memoryspan.runs.describe import finish_record, new_record
from memoryspan.runs.record import read, write
from memoryspan.spec import Spec
from memoryspan.training import Curriculum, HistoryRow, TrainConfig, TrainSnapshot
from memoryspan.training.state import initial_state


def described(model, tmp_path):
    """As a reader finds it on the disk."""
    write(
        tmp_path,
        new_record(model, forward(model, training=True), Echo(), TrainConfig(seed=3), Spec("lstm", {"units": 25})),
    )
    return read(tmp_path)


def test_it_says_what_was_asked_and_what_that_came_to(tmp_path):
    record = described(lstm(Echo(), learning_rate=1e-3), tmp_path)
    assert record.config.task == Spec("echo", {"length": 50, "n_features": 100, "out_index": 2})
    assert record.config.model == Spec("lstm", {"units": 25})
    assert record.config.training["seed"] == 3
    assert (record.resolved.parameters, record.resolved.engine) == (15_200, "unroll")
    assert record.resolved.optimizer.name == "Adam"
    assert record.resolved.optimizer.settings["learning_rate"] == pytest.approx(1e-3)
    assert (record.status, record.results) == ("unfinished", None)
    assert (datetime.now(UTC) - record.created).total_seconds() < 60


def test_it_describes_whatever_a_model_was_compiled_with(tmp_path):
    model = lstm(Echo())
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9)
    optimizer = keras.optimizers.SGD(schedule)  # pyright: ignore[reportArgumentType]  (Keras says float)
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
    record = described(model, tmp_path)
    assert record.resolved.optimizer.settings["learning_rate"]["config"]["decay_rate"] == 0.9
    assert record.resolved.loss == "categorical_crossentropy"


def test_the_end_adds_the_results(tmp_path):
    record = described(lstm(Echo()), tmp_path)
    state = initial_state(lstm(Echo()), Curriculum().start(3, 50))
    snapshot = TrainSnapshot(
        state, HistoryRow(300, 9600, 80_000, 1, 0.4, 50, 0.99, 0.1), Status.SOLVED, Accuracy(999, 1000, 50, 0.01)
    )
    write(tmp_path, finish_record(record, Status.SOLVED, snapshot))
    results = read(tmp_path).results
    assert read(tmp_path).status == "solved"
    assert results is not None
    assert results.accuracy is not None
    assert (results.updates, results.tokens, results.skipped, results.length) == (300, 80_000, 1, 50)
    assert results.accuracy.value == 0.999
    assert results.accuracy.interval == Accuracy(999, 1000, 50, 0.01).interval
