"""What a model answers: to one sequence or many, with classes or with numbers."""

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
from memoryspan.inference.inputs import batches, padded, rounded_up
from memoryspan.inference.reading import Reads, read, reading_of
from memoryspan.tasks import Task
from memoryspan.tasks.base import asks_for_classes

CLASS_LOSSES = (
    keras.losses.categorical_crossentropy,
    keras.losses.sparse_categorical_crossentropy,
    keras.losses.categorical_focal_crossentropy,
    keras.losses.categorical_generalized_cross_entropy,
    keras.losses.categorical_hinge,
)
"""The losses of Keras's by which a model learns one of several classes."""


def predict(
    model: keras.Model,
    sequences: Any,
    *,
    task: Task | None = None,
    reads: Reads | None = None,
    probabilities: bool = False,
) -> np.ndarray | list[np.ndarray]:
    """Return a Keras model's answers to sequences of any lengths.

    Args:
        model: any Keras model over a sequence.
        sequences: one sequence, or many. One of symbols is a list or an array of whole numbers (time,), one of vectors
            an array of floats (time, features), and one of numbers, for a model of one real channel, any list of them.
            Many are a list of those, or an array with a first axis more.
        task: what the model has learned: it says whether sequences are of symbols or of numbers, and answers classes.
        reads: what the sequences are, where neither the model nor a task says so: "symbols", "one-hot" (vectors with a
            single 1), or "numbers".
        probabilities: give what the model puts out, in place of the most probable class.

    Returns:
        The answer to one sequence, or the list of the answers to many: a class, or one a step for a model that answers
        at every step; with `probabilities` a vector, or one a step. A model that answers with a number, or with a
        vector of them, has no classes: its outputs are given either way. It is the task that says so, or else the loss
        that the model is compiled with, or a softmax at its end (see `answers_classes`).

    Raises:
        TaskError: a sequence is empty, fits two readings, holds a symbol that the model does not know, has a length
            that it does not take, or is an array of a shape that it does not take.
        ModelError: the model does not take a sequence, or not those of the task.
    """
    reading = reading_of(model, task, reads)
    rows, single = read(sequences, reading)
    outputs = _outputs(model, rows, reading.steps)
    of_classes = not probabilities and answers_classes(model, task)
    answers = [answer_of(output, of_classes) for output in outputs]
    return answers[0] if single else answers


def outputs_of(model: keras.Model, rows: list[np.ndarray]) -> list[np.ndarray]:
    """What the model puts out for each row that has been read."""
    return _outputs(model, rows, input_shape(model)[1])


def answer_of(output: Float[np.ndarray, "*time outputs"], of_classes: bool) -> np.ndarray:
    """The most probable class, or one a step; the output as it is where it is not of classes."""
    return output.argmax(-1) if of_classes else output


def answers_classes(model: keras.Model, task: Task | None = None) -> bool:
    """Whether a model answers with one of several classes, and not with numbers.

    A single number is none. Of several, the task says it by its targets; else the loss that the model is compiled with,
    where it is one of Keras's; else whether the model ends in a softmax over its last axis.
    """
    shape = getattr(model, "output_shape", None)
    if isinstance(shape, tuple) and shape[-1] == 1:
        return False
    if task is not None:
        return task.n_outputs > 1 and asks_for_classes(task)
    if (loss := _keras_loss(model)) is not None:
        return any(loss is known for known in CLASS_LOSSES)
    return _ends_in_softmax(model, (-1, len(shape) - 1) if isinstance(shape, tuple) else (-1,))


def _keras_loss(model: keras.Model) -> Callable | None:
    """The function of the loss that the model is compiled with; None where there is none, or it is not one of Keras's.

    A subclass of a loss of Keras's has the function of that.
    """
    losses = keras.tree.flatten(model.loss) if getattr(model, "compiled", False) else []
    try:
        loss = keras.losses.get(losses[0]) if len(losses) == 1 else None
    except ValueError:  # a name that is none
        return None
    function: Any = getattr(loss, "fn", loss)
    return function if any(function is known for known in vars(keras.losses).values()) else None


def _ends_in_softmax(layer: Any, last: tuple[int, ...]) -> bool:
    """Whether the last thing that a model, a layer or an operation does is a softmax over the last axis."""
    if isinstance(layer, keras.Model):
        return _ends_in_softmax(_last_of(layer), last)
    if isinstance(layer, keras.layers.TimeDistributed):
        return _ends_in_softmax(layer.layer, (-1,))
    if type(layer).__name__ == "Softmax":  # the layer, or the operation of keras.ops
        return layer.axis in last
    return getattr(layer, "activation", None) is keras.activations.softmax and not isinstance(layer, keras.layers.RNN)


def _last_of(model: keras.Model) -> Any:
    """The layer or the operation that a model's answer comes from; of a class of its own, its last layer."""
    if isinstance(model, keras.Sequential) or not getattr(model, "outputs", None):
        return model.layers[-1] if model.layers else None
    return model.outputs[0]._keras_history.operation


def _outputs(model: keras.Model, rows: list[np.ndarray], steps: int | None) -> list[np.ndarray]:
    """What the model puts out for each row, past its end nothing."""
    fwd = served(model)
    variables, lengths = variables_of(model), np.array([len(row) for row in rows], np.int32)
    outputs = [np.empty(0)] * len(rows)
    for numbers in batches(lengths, fwd.ragged):
        max_length = int(lengths[numbers].max())
        if not fwd.takes(max_length):
            answer_shape(model, max_length)  # says why
        width = steps or (rounded_up(max_length) if fwd.ragged else max_length)
        inputs = jnp.asarray(padded([rows[number] for number in numbers], width))
        padding = len(inputs) - len(numbers)
        outcome = fwd.apply(variables, inputs, jnp.asarray(np.pad(lengths[numbers], (0, padding), constant_values=1)))
        for number, output in zip(numbers, np.asarray(outcome.predictions), strict=False):
            _require_finite(model, rows[number], output)
            outputs[number] = output[: lengths[number]] if fwd.ragged and output.ndim == 2 else output
        variables = variables._replace(non_trainable=outcome.non_trainable)
    for seed in [] if fwd.ragged else seeds_of(model):  # one that draws when it is used draws others the next time
        model.non_trainable_variables[seed].assign(variables.non_trainable[seed])
    return outputs


def _require_finite(model: keras.Model, row: np.ndarray, output: np.ndarray) -> None:
    """Raises `ModelError` where an answer is infinite or not a number: it has no largest class."""
    if not np.isfinite(output).all():
        raise ModelError(
            f"The answer of the model {model.name!r} is infinite or not a number, {origin(model, row[np.newaxis])}."
        )


def served(model: keras.Model) -> Forward:
    """The model's pure function, compiled once, so that a loop over single sequences does not compile in each turn.

    Raises `ModelError` for a model that does not give one array.
    """
    return _served(model, tuple(map(id, model.trainable_variables)), tuple(map(id, model.non_trainable_variables)))


@lru_cache(maxsize=4)  # keeps its models alive: a few
def _served(model: keras.Model, trainable: tuple[int, ...], non_trainable: tuple[int, ...]) -> Forward:
    """It takes the variables in the order of the two tuples of their ids; a layer frozen in between changes that."""
    output_shape(model)  # refuses a model that does not give one array
    fwd = forward(model)
    return replace(fwd, apply=jax.jit(fwd.apply))
