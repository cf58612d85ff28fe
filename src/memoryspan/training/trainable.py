"""Whether models can be trained: they have to fit the task, and to have an optimizer and a loss of their own."""

from collections.abc import Sequence

from memoryspan import machine
from memoryspan.backend import keras
from memoryspan.engine import Forward, forward, single_loss, tape_bytes
from memoryspan.engine.dropout import noisy_layers
from memoryspan.engine.shapes import input_shape
from memoryspan.errors import ModelError
from memoryspan.inference.evaluate import check_compatible
from memoryspan.tasks import Task
from memoryspan.training.result import Status
from memoryspan.training.state import build_optimizer


def trainable(models: Sequence[keras.Model], task: Task, batch_size: int) -> Forward:
    """Return models that differ in nothing but their weights as one pure function for training.

    Raises `ModelError` or `TaskError` where a training could not begin.
    """
    first = models[0]
    for model in models:
        _require_compiled(model, task)
        _require_alike(model, first)
    fwd = forward(first, training=True)
    needed = tape_bytes(first, fwd, batch_size, task.length)
    machine.require_memory(needed, f"Training on {batch_size:,} sequences of {task.length:,} steps at a time")
    return fwd


PARTS_OF_FIT = ("fit", "train_step", "test_step", "make_train_function", "make_test_function", "train_on_batch")
"""Methods of a model that take part in Keras's training, and take none in this one."""


def notes(model: keras.Model, task: Task, status: Status | None = None) -> tuple[str, ...]:
    """Return what a person should know of a training, before it or once it has ended with a status."""
    found, fwd = [], forward(model, training=True)
    min_length = fwd.length_from(task.min_length, task.length)
    if min_length == task.length > task.min_length:
        found.append(
            f"The model takes no sequence shorter than the task's {task.length} steps: it trains at that length from "
            f"the start, and the schedule of lengths, which makes long ones learnable, has no hold on it."
        )
    elif min_length > task.min_length:
        found.append(
            f"The model takes no sequence shorter than {min_length} steps: the schedule of lengths begins there."
        )
    noisy = noisy_layers(model)
    if status is Status.BUDGET and noisy:
        found.append(
            f"While it trains, {' and '.join(noisy)} drop or add something at random, which may be what keeps it from "
            f"learning: try it without."
        )
    return tuple(found)


def _require_compiled(model: keras.Model, task: Task) -> None:
    check_compatible(model, task)
    if (rows := input_shape(model)[0]) is not None:
        raise ModelError(
            f"The model {model.name!r} takes exactly {rows} sequences at a time: to train it, build it without "
            f"batch_size (and without stateful=True)."
        )
    own = [name for name in PARTS_OF_FIT if getattr(type(model), name) is not getattr(keras.Model, name)]
    own += [name for name in (*PARTS_OF_FIT, "compute_loss") if name in vars(model)]
    if own:
        raise ModelError(
            f"The model {model.name!r} has a {own[0]} of its own, which this training would not call, because its "
            f"updates run inside one compiled program. Give it a compute_loss(x, y, y_pred, sample_weight) in its "
            f"place, or a loss and an optimizer that do the same; or train it with model.fit, on batches "
            f"from task.sample."
        )
    if not getattr(model, "compiled", False) or model.optimizer is None or model.loss is None:
        raise ModelError(
            f"The model {model.name!r} is not compiled, but its own optimizer and loss train it: call "
            f'model.compile("adam", "{task.loss}") first.'
        )
    if getattr(keras.losses.get(single_loss(model)), "reduction", "mean") in (None, "none"):
        raise ModelError(
            f"The loss of {model.name!r} is one number an example, and it should be one a batch: compile the model "
            f'with a loss whose reduction is "sum_over_batch_size".'
        )
    if getattr(model.optimizer, "inner_optimizer", model.optimizer).use_ema:
        raise ModelError(
            f"The optimizer of {model.name!r} averages weights (use_ema=True), but here the weights themselves are "
            f"trained and evaluated: compile the model with use_ema=False."
        )
    build_optimizer(model)
    known = {id(variable) for variable in model.optimizer._trainable_variables}
    if known != {id(variable) for variable in model.trainable_variables}:
        raise ModelError(
            f"The optimizer of {model.name!r} was made for other weights than are trainable now: call model.compile "
            f"again after changing `trainable`, or the layers."
        )


def _require_alike(model: keras.Model, first: keras.Model) -> None:
    """Raise `ModelError` where two models could not be trained by one program."""
    shapes = [[(variable.shape, variable.dtype) for variable in each.variables] for each in (model, first)]
    if shapes[0] != shapes[1]:
        raise ModelError(f"Models that train together differ in their weights alone, and {model.name!r} is another.")
