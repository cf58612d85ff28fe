"""What a model answers: one sequence or many, as tokens or as arrays."""

from dataclasses import replace
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from memoryspan.backend import keras
from memoryspan.engine import Forward, forward, variables_of
from memoryspan.engine.finite import origin
from memoryspan.engine.forward import answer_shape, output_shape
from memoryspan.errors import ModelError
from memoryspan.sequences import batches, expected, padded, read, rounded_up


def predict(model: keras.Model, sequences, *, probabilities: bool = False) -> np.ndarray | list[np.ndarray]:
    """A Keras model's answers to sequences of any lengths.

    Args:
        model: any Keras model over a sequence.
        sequences: one sequence of tokens, a list of them, or an array: tokens (samples, timesteps), or one-hot or real
            vectors (samples, timesteps, features).
        probabilities: give what the model puts out, in place of the most probable class.

    Returns:
        The answer to one sequence, or the list of the answers to many: a class, or one a step for a model that answers
        at every step; with `probabilities` a vector, or one a step. A model that answers with one number has no
        classes: its outputs are given either way, of shape (1,), or (timesteps, 1).

    Raises:
        TaskError: a sequence is empty, holds a symbol that the model does not know, has a length that it does not
            take, or is an array of a shape that it does not take.
        ModelError: the model does not take a sequence.
    """
    steps, n_features = expected(model)
    rows, single = read(sequences, steps, n_features)
    outputs = _outputs(model, rows, steps)
    answers = outputs if probabilities else [classes(output) for output in outputs]
    return answers[0] if single else answers


def classes(output: Float[np.ndarray, "*time outputs"]) -> np.ndarray:
    """The most probable classes of an output; the output as it is where it is a number."""
    return output if is_number(output) else output.argmax(-1)


def is_number(output: Float[np.ndarray, "*time outputs"]) -> bool:
    """Whether a model that puts this out answers with one number, which has no classes."""
    return output.shape[-1:] in ((), (1,))


def _outputs(model: keras.Model, rows: list[np.ndarray], steps: int | None) -> list[np.ndarray]:
    """What the model puts out for each row, past its end nothing."""
    fwd = served(model)
    variables, lengths = variables_of(model), np.array([len(row) for row in rows], np.int32)
    outputs = [np.empty(0)] * len(rows)
    for numbers in batches(lengths, fwd.ragged):
        longest = int(lengths[numbers].max())
        if not fwd.takes(longest):
            answer_shape(model, longest)  # says why
        width = steps or (rounded_up(longest) if fwd.ragged else longest)
        inputs = jnp.asarray(padded([rows[number] for number in numbers], width))
        padding = len(inputs) - len(numbers)
        outcome = fwd.apply(variables, inputs, jnp.asarray(np.pad(lengths[numbers], (0, padding), constant_values=1)))
        for number, output in zip(numbers, np.asarray(outcome.predictions), strict=False):
            _require_finite(model, rows[number], output)
            outputs[number] = output[: lengths[number]] if fwd.ragged and output.ndim == 2 else output
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
