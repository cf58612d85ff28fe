"""A Keras model in, a pure function out: `forward(model)`.

There are two paths, with the same results. A chain of stock layers runs on tokens through `unroll`; any other model
runs through Keras itself, on one-hot or real input with a mask. `Forward.path` says which one, `Forward.reason` why.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from memoryspan.backend import keras, set_keras_mask
from memoryspan.engine.native import native_walk
from memoryspan.engine.recognise import NotRecognisedError, Stage, stages
from memoryspan.errors import ModelError


class Variables(NamedTuple):
    """The arrays of a Keras model, in the order in which the model lists its variables."""

    trainable: list[Array]
    non_trainable: list[Array]


class Outcome(NamedTuple):
    """What a call of a model gives."""

    predictions: Float[Array, "batch ..."]
    """(batch, answers), or (batch, time, answers); past a row's length they mean nothing."""
    non_trainable: list[Array]
    """The non-trainable arrays after the call."""
    penalty: Float[Array, ""] | float
    """What layers added to the loss in the call (`add_loss`, activity regularisers)."""


Inputs = Int[Array, "batch time"] | Float[Array, "batch time features"]

Path = Literal["unroll", "keras"]

Apply = Callable[[Variables, Inputs, Int[Array, "batch"]], Outcome]


@dataclass(frozen=True)
class Forward:
    """A model as a pure function, and the path that serves it.

    `apply(variables, inputs, lengths)` reads nothing past a row's length.
    """

    path: Path
    reason: str
    apply: Apply
    fixed_length: int | None
    """The number of time steps that the model insists on; None where it takes any."""
    ragged: bool
    """Whether rows of several lengths fit into one batch: not where a layer drops the mask, and reads the padding."""
    native: bool = False
    """Whether a recurrence runs in C++, on threads of its own."""

    @property
    def takes_short_rows(self) -> bool:
        """Not a model that insists on a length and reads its padding: it knows that length alone."""
        return self.ragged or self.fixed_length is None

    def width(self, length: int, limit: int) -> int:
        """The width, in time steps, of the arrays that serve sequences of up to `length` ≤ `limit` for a while.

        A wide array costs `unroll` memory alone, and Keras time as well; but for each width a program is compiled.
        """
        if not self.ragged:
            return length
        if self.path == "keras" and self.fixed_length is not None:
            return limit  # Keras walks all of its fixed length anyway
        width = 64 if self.path == "unroll" else 16
        while width <= length:
            width *= 4
        return min(width, limit)


def input_shape(model: keras.Model) -> tuple[int | None, ...]:
    """(batch, time, features), or (batch, time) where the model reads tokens; raises `ModelError`."""
    if not isinstance(model, keras.Model):
        raise ModelError(f"A model should be a Keras model, got {model!r}: load a file with keras.saving.load_model.")
    shape = getattr(model, "input_shape", None)
    if shape is None:  # a class of its own knows only the shape that it was built on, with the rows of that one batch
        shape = (model.get_build_config() or {}).get("input_shape")
        shape = (None, *shape[1:]) if isinstance(shape, (tuple, list)) else shape
    if not isinstance(shape, (tuple, list)) or len(shape) not in (2, 3) or not all(_is_size(n) for n in shape):
        raise ModelError(
            f"The model {model.name!r} should take one array of shape (batch, time, features), or of tokens "
            f"(batch, time), and it takes {shape}. If it is not built yet, call it once on such an array."
        )
    return tuple(shape)


def output_shape(model: keras.Model) -> tuple[int | None, ...]:
    """(batch, answers) or (batch, time, answers); raises `ModelError` where there is not one answer."""
    answer = model.compute_output_spec(keras.KerasTensor(input_shape(model)))
    if not isinstance(answer, keras.KerasTensor):
        raise ModelError(f"The model {model.name!r} should give one array, and it gives a {type(answer).__name__}.")
    return tuple(answer.shape)


def _is_size(n) -> bool:
    return n is None or isinstance(n, int)


def tape_bytes(model: keras.Model, fwd: Forward, batch_size: int, length: int) -> int:
    """The memory, in bytes, that the gradient of one batch takes at the least, the weights not counted."""
    states = sum(sum(keras.tree.flatten(layer.state_size)) for layer in _cells(model))
    _, _, *features = input_shape(model)
    one_hot = (features or [0])[0] or 0 if fwd.path == "keras" else 0
    return 4 * batch_size * length * (1 + states + one_hot)


def _cells(model: keras.Model) -> list[keras.Layer]:
    """The recurrent layers anywhere in the model."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN)]


def variables_of(model: keras.Model) -> Variables:
    """The model's arrays as they are now."""
    return Variables(
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )


def assign(model: keras.Model, variables: Variables) -> None:
    """Puts copies of arrays into the model: Keras's `fit` deletes those that it finds there."""
    trainable = zip(model.trainable_variables, variables.trainable, strict=True)
    non_trainable = zip(model.non_trainable_variables, variables.non_trainable, strict=True)
    for variable, value in (*trainable, *non_trainable):
        variable.assign(jnp.array(value))


def forward(model: keras.Model, *, training: bool = False) -> Forward:
    """The model as a pure function; `training` as in Keras (dropout). Call it again after changing `trainable`.

    Raises nothing for a model that it has not seen before: such a model runs through Keras.
    """
    fixed_length = input_shape(model)[1]
    try:
        apply = through_unroll(model, stages(model, training))
    except NotRecognisedError as error:
        ragged = not reads_padding(model)
        reason = f"through Keras: {error}" + ("" if ragged else "; it reads its padding, so a batch has one length")
        return Forward("keras", reason, through_keras(model, training, ragged), fixed_length, ragged)
    native = any(native_walk(layer.cell) for layer in _cells(model))
    reason = "a chain of stock layers, on tokens" + (", the recurrence in C++" if native else "")
    return Forward("unroll", reason, apply, fixed_length, ragged=True, native=native)


def path_of(model: keras.Model, *, training: bool = False) -> Path:
    """The path that `forward` takes; to know it alone costs nothing."""
    try:
        stages(model, training)
    except NotRecognisedError:
        return "keras"
    return "unroll"


def through_unroll(model: keras.Model, found: list[Stage]) -> Apply:
    """The stages of a model, one after the other."""
    keys = [id(variable) for variable in (*model.trainable_variables, *model.non_trainable_variables)]

    def apply(variables, inputs, lengths):
        arrays = dict(zip(keys, (*variables.trainable, *variables.non_trainable), strict=True))
        if inputs.ndim == 3:  # a layer before the recurrence reads every step, and in its gradient 0 · NaN is NaN
            inputs = jnp.where(_mask(inputs, lengths)[..., None], inputs, 0).astype(jnp.float32)
        x = jnp.swapaxes(inputs, 0, 1)  # time first: a step reads one contiguous slice
        for stage in found:
            x = stage(lambda variable: arrays[id(variable)], x, lengths)
        predictions = jnp.swapaxes(x, 0, 1) if x.ndim == 3 else x
        return Outcome(predictions, variables.non_trainable, 0.0)

    return apply


def through_keras(model: keras.Model, training: bool, ragged: bool = True) -> Apply:
    """Keras itself; not `ragged`: without a mask, on rows that fill the array."""
    _, fixed_length, *n_features = input_shape(model)
    call = _keras_call(model, training)

    def apply(variables, inputs, lengths):
        if fixed_length is not None:
            inputs = _widen(inputs, fixed_length)
        mask = _mask(inputs, lengths)
        return call(variables, _as_keras_reads(inputs, mask, *n_features), mask if ragged else None)

    return apply


def _keras_call(model: keras.Model, training: bool) -> Callable[..., Outcome]:
    """call(variables, x, mask): Keras itself, on input as Keras reads it; mask is None where nothing is padded."""
    arguments = signature(model.call).parameters
    takes_mask = "mask" in arguments
    regularised = sum(variable.regularizer is not None for variable in model.trainable_variables)
    for_training = {"training": training} if "training" in arguments else {}
    stateless = cast(Callable[..., tuple], partial(model.stateless_call, return_losses=True, **for_training))

    def call(variables, x, mask):
        if mask is None:
            outcome = stateless(*variables, x)
        elif takes_mask:
            outcome = stateless(*variables, x, mask=mask)
        else:
            set_keras_mask(x, mask)  # for the layers inside a model whose own call does not pass a mask on
            outcome = stateless(*variables, x)
        predictions, non_trainable, losses = outcome
        set_keras_mask(predictions, None)  # else Keras's loss weighs by it, on top of the weights that it is given
        # Keras lists the regularisers of the weights last; those are in the compiled loss already.
        return Outcome(predictions, non_trainable, sum(losses[: len(losses) - regularised], 0.0))

    return call


def reads_padding(model: keras.Model) -> bool:
    """Whether the answer to a short row depends on what stands behind it, mask or no mask: it is tried out.

    The row alone is compared with the row in front of padding that is not zero; where the model insists on a length,
    padding of zeros with other padding.
    """
    rows, fixed_length, *n_features = input_shape(model)
    length, width = (fixed_length // 2, fixed_length) if fixed_length else (5, 8)
    mask = jnp.broadcast_to(jnp.arange(width) < length, (rows or 1, width))
    alive = mask[..., None] if n_features else mask
    row = jnp.zeros((*mask.shape, *[n or 1 for n in n_features]), jnp.float32 if n_features else jnp.int32)
    padded = jnp.where(alive, row, 1)
    other = (row, mask) if fixed_length else (row[:, :length], mask[:, :length])
    call = jax.jit(lambda x, mask: _keras_call(model, training=False)(variables_of(model), x, mask).predictions)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not support mask")  # that is what is found out here
        answers = keras.tree.flatten(call(padded, mask)), keras.tree.flatten(call(*other))
    pairs = [[a[:, :length] if a.ndim == 3 else a for a in pair] for pair in zip(*answers, strict=True)]
    return not all(bool(jnp.allclose(one, two, atol=1e-4)) for one, two in pairs)


def _mask(inputs: Inputs, lengths: Int[Array, "batch"]) -> Bool[Array, "batch time"]:
    return jnp.arange(inputs.shape[1]) < lengths[:, None]


def _widen(inputs: Inputs, width: int) -> Array:
    missing = width - inputs.shape[1]
    return jnp.pad(inputs, ((0, 0), (0, missing), *[(0, 0)] * (inputs.ndim - 2)))


def _as_keras_reads(inputs: Inputs, mask: Bool[Array, "batch time"], n_features: int | None = None) -> Array:
    """Tokens, one-hot rows or real vectors, with zeros for padding."""
    if inputs.ndim == 3:
        return jnp.where(mask[..., None], inputs, 0)
    tokens = jnp.where(mask, inputs, 0)
    return tokens if n_features is None else jax.nn.one_hot(tokens, n_features) * mask[..., None]
