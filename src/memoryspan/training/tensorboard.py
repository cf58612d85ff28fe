"""The curves of a training for TensorBoard, without TensorFlow."""

from importlib.util import find_spec
from pathlib import Path

from memoryspan.backend import keras
from memoryspan.errors import TaskError


class TensorBoard(keras.callbacks.Callback):
    """Writes accuracy, loss, length and the other figures against the examples seen, for TensorBoard.

    Keras's own callback of this name writes with TensorFlow; this one needs the package `tensorboard` alone. A training
    that is resumed, and writes to the same directory, continues its curves.

    Args:
        log_dir: what to give to `tensorboard --logdir`, or a directory below it.
    """

    def __init__(self, log_dir: str | Path = "logs"):
        """Raise `TaskError` where `tensorboard` is not installed."""
        super().__init__()
        if find_spec("tensorboard") is None:
            raise TaskError("TensorBoard is not installed: pip install tensorboard.")
        self._log_dir = str(log_dir)

    def on_train_begin(self, logs=None):
        """Open a new file in the directory."""
        from tensorboard.summary import Writer

        self._writer = Writer(self._log_dir)

    def on_epoch_end(self, epoch, logs=None):
        """Add a point to each curve."""
        figures = dict(logs or {})
        step = figures.pop("examples", epoch)  # Keras's own `fit` counts no examples
        for name, figure in figures.items():
            self._writer.add_scalar(name, figure, step)
        self._writer.flush()

    def on_train_end(self, logs=None):
        """Close the file."""
        self._writer.close()
