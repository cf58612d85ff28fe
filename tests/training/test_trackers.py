"""What trackers read back from their own stores."""

# pyright: reportArgumentType=false
# (Keras's annotations are narrower than what it takes.)

from importlib.util import find_spec

import numpy as np
import pytest

from memoryspan import Budget, Echo, TensorBoard, lstm, train
from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.runs import Run
from memoryspan.training import TrainConfig
from tests.messages import naming

TASK = Echo(8, 6, 1)
METRICS = {"accuracy", "length", "loss", "seconds", "skipped", "tokens", "updates"}


def ready():
    return lstm(TASK, units=8, seed=0)


def trained(*callbacks):
    return train(ready(), TASK, budget=Budget(examples=1280), callbacks=list(callbacks))


# TensorBoard


def curves(directory):
    """As TensorBoard shows them: a curve is pairs of step and value."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(directory), size_guidance={"tensors": 0})
    accumulator.Reload()
    return {
        tag: [(event.step, event.tensor_proto.float_val[0]) for event in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
    }


def test_tensorboard_shows_the_history_against_examples(tmp_path):
    result = trained(TensorBoard(tmp_path))
    shown = curves(tmp_path)
    assert set(shown) == METRICS
    for name, curve in shown.items():
        assert curve == [(row.examples, pytest.approx(getattr(row, name))) for row in result.history]


def test_tensorboard_shows_a_run_that_was_resumed_as_one_curve(tmp_path):
    run = Run.create(ready(), TASK, TrainConfig(budget=Budget(examples=640)), directory=tmp_path / "run")
    run.train(callbacks=[TensorBoard(tmp_path / "logs")])
    run = Run.resume(tmp_path / "run", budget=Budget(examples=1280))
    result = run.train(callbacks=[TensorBoard(tmp_path / "logs")])
    assert [step for step, _ in curves(tmp_path / "logs")["loss"]] == [row.examples for row in result.history]


def test_tensorboard_shows_keras_own_fit_against_epochs(tmp_path):
    model = ready()
    X = np.eye(6, dtype="float32")[np.zeros((4, 8), int)]
    told = model.fit(X, X[:, 1], epochs=2, verbose=0, callbacks=[TensorBoard(tmp_path)]).history
    assert curves(tmp_path)["loss"] == [(epoch, pytest.approx(loss)) for epoch, loss in enumerate(told["loss"])]


@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_keras_own_tensorboard_is_refused_without_tensorflow(tmp_path):
    with pytest.raises(TaskError, match=naming("TensorFlow", "memoryspan.TensorBoard(log_dir)")):
        trained(keras.callbacks.TensorBoard(tmp_path))


def test_keras_own_tensorboard_is_refused_where_it_counts_batches(tmp_path):
    with pytest.raises(TaskError, match=naming("TensorBoard", 'update_freq="epoch"')):
        trained(keras.callbacks.TensorBoard(tmp_path, update_freq=10))


# MLflow


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """With a store in files, which is the smallest; it is to call nobody."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    found = pytest.importorskip("mlflow", reason="pip install '.[mlflow]'")
    pytest.importorskip("mlflow.keras")
    found.set_tracking_uri((tmp_path / "mlruns").as_uri())
    yield found
    found.set_tracking_uri(None)


def test_mlflow_keeps_the_history_and_the_optimizer(mlflow):
    with mlflow.start_run() as run:
        result = trained(mlflow.keras.MlflowCallback())
    mlflow.flush_async_logging()
    kept = mlflow.get_run(run.info.run_id).data
    assert set(kept.metrics) == {*METRICS, "examples"}
    assert float(kept.params["optimizer_learning_rate"]) == pytest.approx(0.02)
    for name in kept.metrics:
        curve = mlflow.MlflowClient().get_metric_history(run.info.run_id, name)
        found = sorted((point.step, point.value) for point in curve)
        assert found == [(epoch, pytest.approx(getattr(row, name))) for epoch, row in enumerate(result.history)]


def test_mlflow_is_refused_where_it_counts_batches(mlflow):
    with pytest.raises(TaskError, match=naming("MlflowCallback", "log_every_epoch=True")):
        trained(mlflow.keras.MlflowCallback(log_every_epoch=False, log_every_n_steps=5))
