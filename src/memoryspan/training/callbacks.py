"""Keras callbacks, called where Python looks: between chunks of updates.

To a callback a chunk is an epoch. The batches of a chunk pass inside one compiled program, so that nobody can be called
between two of them: hooks for batches are never called, and a callback or an option that needs them is refused.

What a callback changes between two chunks, in the model or its optimizer (the weights, the learning rate), is what the
training goes on with.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from importlib.util import find_spec
from typing import Any

import jax

from memoryspan.backend import keras
from memoryspan.errors import ModelError, TaskError
from memoryspan.training.position import TrainSnapshot
from memoryspan.training.result import HistoryRow, Status
from memoryspan.training.state import State, in_model, restore

CALLED = ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")

FIGURES = tuple(field.name for field in fields(HistoryRow))
"""What a callback is told at the end of a chunk."""

UNSUPPORTED = {
    keras.callbacks.BackupAndRestore: "a run is kept as it goes, and memoryspan train --resume RUN goes on with it",
    keras.callbacks.ProgbarLogger: "it counts batches, and on_position=lambda place: print(place.row) tells of chunks",
    keras.callbacks.SwapEMAWeights: "it has to know the last epoch beforehand",
    keras.callbacks.TerminateOnNaN: "an update that is not finite is skipped, and a hundred in a row end the training",
}
"""Those of Keras that do nothing good here, and why."""

EPOCH_ONLY = (
    ("save_freq", "epoch", 'save_freq="epoch"'),
    ("update_freq", "epoch", 'update_freq="epoch"'),
    ("_should_trace", False, "profile_batch=0"),  # Keras keeps that option under no public name
    ("log_every_n_steps", None, "log_every_epoch=True"),
)
"""Attributes of Keras's and MLflow's callbacks, their values where no batch is counted, and what to type for that."""


class CallbackRunner:
    """Calls callbacks, and hands on what they change in the model; without callbacks it does nothing at all.

    Args:
        model: the one that is trained.
        callbacks: called in this order.
        epoch: the number of the next chunk.
    """

    def __init__(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], epoch: int):
        """Raises `TaskError` where one of them is no callback, or would not do here what it says."""
        require_useful(callbacks)
        self._model, self._callbacks, self._epoch = model, callbacks, epoch
        self._logs: dict[str, Any] = {}
        self._going = False

    def before(self, position: TrainSnapshot) -> TrainSnapshot:
        """Before a chunk: the position from which it is to begin."""
        if not self._callbacks:
            return position
        if not self._going:
            self._begin(position)
        self._call("on_epoch_begin", self._epoch, {})
        return replace(position, state=self._left(position.state))

    def after(self, position: TrainSnapshot) -> TrainSnapshot:
        """After a chunk: the position itself, or another where a callback changed something or ended the training."""
        if not self._callbacks:
            return position
        restore(self._model, position.state)
        found = in_model(self._model, position.state)
        if position.status is not Status.MEMORY:  # which comes instead of a chunk
            self._logs = asdict(position.row)
            self._call("on_epoch_end", self._epoch, self._logs)
            self._epoch += 1
        if position.status is None and self._model.stop_training:
            position = replace(position, status=Status.STOPPED)
        if position.status is not None:
            self.end()
        left = self._left(found)
        same = all(a is b for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(left), strict=True))
        return position if same else replace(position, state=left)

    def end(self) -> None:
        """Lets them close what they have open; once is enough."""
        if self._going:
            self._going = False
            self._call("on_train_end", self._logs)

    def _begin(self, position: TrainSnapshot) -> None:
        restore(self._model, position.state)
        self._model.stop_training = False
        for callback in self._callbacks:
            callback.set_params({"verbose": 0, "epochs": None, "steps": None})  # nobody knows how many there will be
            callback.set_model(self._model)
        self._going = True
        self._call("on_train_begin", {})

    def _call(self, hook: str, *arguments) -> None:
        for callback in self._callbacks:
            getattr(callback, hook)(*arguments)

    def _left(self, state: State) -> State:
        """The state as the callbacks left it in the model."""
        left = in_model(self._model, state)
        if jax.tree.structure(left) != jax.tree.structure(state):
            raise ModelError(
                "A callback exchanged the model's optimizer, its schedule of learning rates or what is trainable, and "
                "a training is compiled for one of each: let it end, then change that, and call train again."
            )
        return left


def require_useful(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Raises `TaskError` where a callback would not do here what it says."""
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
        if not any(_may_add_figures(other) for other in callbacks):
            _require_known_figure(callback)


def _require_called(callback: keras.callbacks.Callback) -> None:
    name = type(callback).__name__
    if type(callback) in UNSUPPORTED:
        raise TaskError(f"{name} has no place in a training like this, so leave it out: {UNSUPPORTED[type(callback)]}.")
    if not any(_overrides(callback, hook) for hook in CALLED):
        raise TaskError(
            f"{name} would never be called: the batches of a chunk pass inside one compiled program, so that only "
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
                f"{type(callback).__name__} is to count batches, and the batches of a chunk pass inside one compiled "
                f"program: give it {instead}."
            )


def _require_tensorflow(callback: keras.callbacks.Callback) -> None:
    if isinstance(callback, keras.callbacks.TensorBoard) and find_spec("tensorflow") is None:
        raise TaskError(
            "Keras's own TensorBoard writes with TensorFlow, which is not installed: memoryspan.TensorBoard(log_dir) "
            "writes the same curves without it."
        )


def _require_known_figure(callback: keras.callbacks.Callback) -> None:
    kinds = keras.callbacks
    if not isinstance(callback, kinds.EarlyStopping | kinds.ReduceLROnPlateau | kinds.ModelCheckpoint):
        return
    if isinstance(callback, kinds.ModelCheckpoint) and not callback.save_best_only:
        return
    name = type(callback).__name__
    if callback.monitor not in FIGURES:
        raise TaskError(
            f"{name} monitors {callback.monitor!r}, and a training here tells {', '.join(FIGURES)}, all of fresh "
            f'examples: give it monitor="length" and mode="max", for example.'
        )
    if callback.mode == "auto" and callback.monitor != "loss":
        raise TaskError(f'{name} cannot know whether more {callback.monitor} is better: give it mode="max" or "min".')


def _may_add_figures(callback: keras.callbacks.Callback) -> bool:
    """To the figures that the callbacks after it are told: one of a person's own may."""
    known = _library(callback) in ("keras", "mlflow", "memoryspan")
    return not known or isinstance(callback, keras.callbacks.LambdaCallback)


def _library(callback: keras.callbacks.Callback) -> str:
    return type(callback).__module__.partition(".")[0]
