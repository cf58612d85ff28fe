"""Keras callbacks, called where Python runs: between chunks of updates.

To a callback a chunk is an epoch. The batches of a chunk run inside one compiled program, which calls nothing between
them: hooks for batches are never called, and a callback or an option that needs them is refused.

What a callback changes between two chunks, in the model or its optimizer (the weights, the learning rate), takes effect
from the next chunk.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from importlib.util import find_spec
from typing import Any

import jax

from memoryspan.backend import keras
from memoryspan.errors import ModelError, TaskError
from memoryspan.training.result import HistoryRow, Status
from memoryspan.training.snapshot import TrainSnapshot
from memoryspan.training.state import TrainState, in_model, restore

CALLED = ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")

METRICS = tuple(field.name for field in fields(HistoryRow))
"""The names of the metrics that a callback is given at the end of a chunk."""

UNSUPPORTED = {
    keras.callbacks.BackupAndRestore: "a run is kept on the way, and memoryspan train --resume RUN resumes it",
    keras.callbacks.ProgbarLogger: "it counts batches; on_chunk=lambda snapshot: print(snapshot.row) prints chunks",
    keras.callbacks.SwapEMAWeights: "it has to know the last epoch beforehand",
    keras.callbacks.TerminateOnNaN: "an update that is not finite is skipped, and a hundred in a row end the training",
}
"""Callbacks of Keras that are refused, and why."""

EPOCH_ONLY = (
    ("save_freq", "epoch", 'save_freq="epoch"'),
    ("update_freq", "epoch", 'update_freq="epoch"'),
    ("log_every_n_steps", None, "log_every_epoch=True"),
)
"""Attributes of Keras's and MLflow's callbacks, their values where no batch is counted, and what to type for that."""


class CallbackRunner:
    """Calls callbacks, and returns what they change in the model; without callbacks it does nothing.

    Args:
        model: the one that is trained.
        callbacks: called in this order.
        epoch: the number of the next chunk.
    """

    def __init__(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], epoch: int):
        """Raise `TaskError` where one of them is no callback, or would not do here what it promises."""
        require_useful(callbacks)
        self._model, self._callbacks, self._epoch = model, callbacks, epoch
        self._logs: dict[str, Any] = {}
        self._running = False

    def before(self, snapshot: TrainSnapshot) -> TrainSnapshot:
        """Return the snapshot from which the next chunk begins."""
        if not self._callbacks:
            return snapshot
        if not self._running:
            self._begin(snapshot)
        self._call("on_epoch_begin", self._epoch, {})
        return replace(snapshot, state=self._left(snapshot.state))

    def after(self, snapshot: TrainSnapshot) -> TrainSnapshot:
        """Return the snapshot after a chunk, or another where a callback changed something or ended the training."""
        if not self._callbacks:
            return snapshot
        restore(self._model, snapshot.state)
        found = in_model(self._model, snapshot.state)
        if snapshot.status is not Status.MEMORY:  # which comes instead of a chunk
            self._logs = asdict(snapshot.row)
            self._call("on_epoch_end", self._epoch, self._logs)
            self._epoch += 1
        if snapshot.status is None and self._model.stop_training:
            snapshot = replace(snapshot, status=Status.STOPPED)
        if snapshot.status is not None:
            self.end()
        left = self._left(found)
        same = all(a is b for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(left), strict=True))
        return snapshot if same else replace(snapshot, state=left)

    def end(self) -> None:
        """Call `on_train_end`, once."""
        if self._running:
            self._running = False
            self._call("on_train_end", self._logs)

    def _begin(self, snapshot: TrainSnapshot) -> None:
        restore(self._model, snapshot.state)
        self._model.stop_training = False
        for callback in self._callbacks:
            callback.set_params({"verbose": 0, "epochs": None, "steps": None})  # how many there will be is unknown
            callback.set_model(self._model)
        self._running = True
        self._call("on_train_begin", {})

    def _call(self, hook: str, *arguments) -> None:
        for callback in self._callbacks:
            getattr(callback, hook)(*arguments)

    def _left(self, state: TrainState) -> TrainState:
        """Return the state as the callbacks left it in the model."""
        left = in_model(self._model, state)
        if jax.tree.structure(left) != jax.tree.structure(state):
            raise ModelError(
                "A callback exchanged the model's optimizer, its schedule of learning rates or what is trainable, and "
                "a training is compiled for one of each: change that after it has ended, and call train again."
            )
        return left


def require_useful(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Raise `TaskError` where a callback would not do here what it promises."""
    listed = isinstance(callbacks, list | tuple)
    if not listed or not all(isinstance(callback, keras.callbacks.Callback) for callback in callbacks):
        raise TaskError(
            f"callbacks should be a list of Keras callbacks, like [keras.callbacks.CSVLogger('log.csv')], got "
            f"{callbacks!r}."
        )
    for callback in callbacks:
        _require_called(callback)
        _require_by_epoch(callback)
        _require_tensorflow(callback)
        if not any(_may_add_metrics(other) for other in callbacks):
            _require_known_metric(callback)


def _require_called(callback: keras.callbacks.Callback) -> None:
    name = type(callback).__name__
    if type(callback) in UNSUPPORTED:
        raise TaskError(f"{name} has no place in this training, so leave it out: {UNSUPPORTED[type(callback)]}.")
    if not any(_overrides(callback, hook) for hook in CALLED):
        raise TaskError(
            f"{name} would never be called: the batches of a chunk run inside one compiled program, so that only "
            f"{', '.join(CALLED)} are called, and it should have one of those."
        )


def _overrides(callback: keras.callbacks.Callback, hook: str) -> bool:
    # In its class, or, as LambdaCallback does, in itself.
    return getattr(getattr(callback, hook), "__func__", None) is not getattr(keras.callbacks.Callback, hook)


def _require_by_epoch(callback: keras.callbacks.Callback) -> None:
    if _library(callback) not in ("keras", "mlflow"):  # elsewhere the same names may mean something else
        return
    for option, by_epoch, instead in EPOCH_ONLY:
        if getattr(callback, option, by_epoch) != by_epoch:
            raise TaskError(
                f"{type(callback).__name__} counts batches, but the batches of a chunk run inside one compiled "
                f"program: give it {instead}."
            )


def _require_tensorflow(callback: keras.callbacks.Callback) -> None:
    if isinstance(callback, keras.callbacks.TensorBoard) and find_spec("tensorflow") is None:
        raise TaskError(
            "Keras's own TensorBoard writes with TensorFlow, which is not installed: memoryspan.TensorBoard(log_dir) "
            "writes the same curves without it."
        )


def _require_known_metric(callback: keras.callbacks.Callback) -> None:
    kinds = keras.callbacks
    if not isinstance(callback, kinds.EarlyStopping | kinds.ReduceLROnPlateau | kinds.ModelCheckpoint):
        return
    if isinstance(callback, kinds.ModelCheckpoint) and not callback.save_best_only:
        return
    name = type(callback).__name__
    if callback.monitor not in METRICS:
        raise TaskError(
            f"{name} monitors {callback.monitor!r}, but a training here reports {', '.join(METRICS)}, all of fresh "
            f'examples: give it monitor="length" and mode="max", for example.'
        )
    if callback.mode == "auto" and callback.monitor != "loss":
        raise TaskError(f'{name} cannot know whether more {callback.monitor} is better: give it mode="max" or "min".')


def _may_add_metrics(callback: keras.callbacks.Callback) -> bool:
    """Return whether a callback may add to the metrics that those after it are given: user code may."""
    known = _library(callback) in ("keras", "mlflow", "memoryspan")
    return not known or isinstance(callback, keras.callbacks.LambdaCallback)


def _library(callback: keras.callbacks.Callback) -> str:
    return type(callback).__module__.partition(".")[0]
