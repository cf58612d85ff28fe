"""Predictions of a model for one sequence or many: classes or numbers."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.engine import Forward, forward, variables_of
from memoryspan.engine.finite import origin
from memoryspan.engine.shapes import answer_shape, input_shape, output_shape
from memoryspan.engine.signature import seeds_of
from memoryspan.errors import ModelError
from memoryspan.inference.inputs import batches, next_power_of_two, pad_rows
from memoryspan.inference.reading import Reads, read, reading_of
from memoryspan.tasks import Task
from memoryspan.tasks.base import has_class_targets
from memoryspan.validate import checked

CLASS_LOSSES = (
    keras.losses.categorical_crossentropy,
    keras.losses.sparse_categorical_crossentropy,
    keras.losses.categorical_focal_crossentropy,
    keras.losses.categorical_generalized_cross_entropy,
    keras.losses.categorical_hinge,
)
"""The losses of Keras's by which a model learns one of several classes."""


@checked
def predict(
    model: keras.Model,
    sequences: Any,
    *,
    task: Task | None = None,
    reads: Reads | None = None,
    probabilities: bool = False,
) -> np.ndarray | list[np.ndarray]:
    """Return a Keras model's predictions for sequences of any lengths.

    Args:
        model: any Keras model over a sequence.
        sequences: one sequence, or many. One of symbols is a list or an array of whole numbers (time,), one of vectors
            an array of floats (time, features), and one of numbers, for a model of one real channel, any list of them.
            Many are a list of those, or an array with a first axis more.
        task: what the model has learned: it decides whether inputs are symbols or numbers, and outputs classes.
        reads: what the sequences are, where neither the model nor a task decides it: "symbols", "one-hot" (vectors with
            a single 1), or "numbers".
        probabilities: return the model's output in place of the most probable class.

    Returns:
        The prediction for one sequence, or the list of those for many: a class, or one a step for a model with an
        output at every step; with `probabilities` a vector, or one a step. A model of numbers has no classes: its
        outputs are returned either way. The task decides which it is, or else the loss that the model is compiled with,
        or a softmax at its end (see `is_classifier`).

    Raises:
        TaskError: a sequence is empty, fits two readings, holds a symbol that the model does not know, has a length
            that it does not take, or is an array of a shape that it does not take.
        ModelError: the model does not take a sequence, or not those of the task.
    """
    reading = reading_of(model, task, reads)
    rows, single = read(sequences, reading)
    of_classes = not probabilities and is_classifier(model, task)
    predictions = [decode_output(output, of_classes) for output in outputs_of(model, rows)]
    return predictions[0] if single else predictions


def decode_output(output: Float[np.ndarray, "*time outputs"], of_classes: bool) -> np.ndarray:
    """Return the most probable class, or one a step; the output as it is where it is not of classes."""
    return output.argmax(-1) if of_classes else output


def is_classifier(model: keras.Model, task: Task | None = None) -> bool:
    """Return whether a model predicts one of several classes, and not numbers.

    A single output is a number. With several, the targets of the task decide; else the loss that the model is compiled
    with, where it is one of Keras's; else whether the model ends in a softmax over its last axis.
    """
    shape = getattr(model, "output_shape", None)
    if isinstance(shape, tuple) and shape[-1] == 1:
        return False
    if task is not None:
        return task.n_outputs > 1 and has_class_targets(task)
    if (loss := _keras_loss(model)) is not None:
        return any(loss is known for known in CLASS_LOSSES)
    return _ends_in_softmax(model, (-1, len(shape) - 1) if isinstance(shape, tuple) else (-1,))


def _keras_loss(model: keras.Model) -> Callable | None:
    """Return the function of the loss that the model is compiled with; None where it has none of Keras's.

    A subclass of a loss of Keras's has the function of that.
    """
    losses = keras.tree.flatten(model.loss) if getattr(model, "compiled", False) else []
    try:
        loss = keras.losses.get(losses[0]) if len(losses) == 1 else None
    except ValueError:  # an unknown name
        return None
    function: Any = getattr(loss, "fn", loss)
    return function if any(function is known for known in vars(keras.losses).values()) else None


def _ends_in_softmax(layer: Any, last: tuple[int, ...]) -> bool:
    """Return whether a model, a layer or an operation ends in a softmax over the last axis."""
    if isinstance(layer, keras.Model):
        return _ends_in_softmax(_last_operation(layer), last)
    if isinstance(layer, keras.layers.TimeDistributed):
        return _ends_in_softmax(layer.layer, (-1,))
    if type(layer).__name__ == "Softmax":  # the layer, or the operation of keras.ops
        return layer.axis in last
    return getattr(layer, "activation", None) is keras.activations.softmax and not isinstance(layer, keras.layers.RNN)


def _last_operation(model: keras.Model) -> Any:
    """Return the layer or the operation that gives a model's output; for a class of its own, its last layer."""
    if isinstance(model, keras.Sequential) or not getattr(model, "outputs", None):
        return model.layers[-1] if model.layers else None
    return model.outputs[0]._keras_history.operation


def outputs_of(model: keras.Model, rows: list[np.ndarray]) -> list[np.ndarray]:
    """Return the model's output for each row, without the steps past its end."""
    fwd, steps = compiled_forward(model), input_shape(model)[1]
    variables, lengths = variables_of(model), np.array([len(row) for row in rows], np.int32)
    outputs = [np.empty(0)] * len(rows)
    for numbers in batches(lengths, fwd.ragged):
        longest = int(lengths[numbers].max())
        if not fwd.takes(longest):
            answer_shape(model, longest)  # raises
        width = steps or (next_power_of_two(longest) if fwd.ragged else longest)
        inputs = jnp.asarray(pad_rows([rows[number] for number in numbers], width))
        padding = len(inputs) - len(numbers)
        result = fwd.apply(variables, inputs, jnp.asarray(np.pad(lengths[numbers], (0, padding), constant_values=1)))
        for number, output in zip(numbers, np.asarray(result.predictions), strict=False):
            _require_finite(model, rows[number], output)
            outputs[number] = output[: lengths[number]] if fwd.ragged and output.ndim == 2 else output
        variables = variables._replace(non_trainable=result.non_trainable)
    for seed in [] if fwd.ragged else seeds_of(model):  # one that draws when it is used draws others the next time
        model.non_trainable_variables[seed].assign(variables.non_trainable[seed])
    return outputs


def _require_finite(model: keras.Model, row: np.ndarray, output: np.ndarray) -> None:
    """Raise `ModelError` where an output is infinite or not a number: it has no most probable class."""
    if not np.isfinite(output).all():
        raise ModelError(
            f"The output of the model {model.name!r} is infinite or not a number, {origin(model, row[np.newaxis])}."
        )


def compiled_forward(model: keras.Model) -> Forward:
    """Return the model's pure function, compiled once, so that a loop over single sequences compiles once.

    Raises `ModelError` for a model that does not give one array.
    """
    return _compiled_forward(
        model, tuple(map(id, model.trainable_variables)), tuple(map(id, model.non_trainable_variables))
    )


@lru_cache(maxsize=4)  # keeps its models alive: a few
def _compiled_forward(model: keras.Model, trainable: tuple[int, ...], non_trainable: tuple[int, ...]) -> Forward:
    # The ids give the order of the variables, which changes when a layer is frozen in between.
    output_shape(model)  # raises for a model that does not give one array
    fwd = forward(model)
    return replace(fwd, apply=jax.jit(fwd.apply))
