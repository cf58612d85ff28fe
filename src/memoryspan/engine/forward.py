"""A Keras model in, a pure function out: `forward(model)`.

There are two paths, with the same results. A chain of stock layers runs on tokens through `unroll`; any other model
runs through Keras itself, on one-hot or real input with a mask. `Forward.path` says which one, `Forward.reason` why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from memoryspan.backend import keras, set_keras_mask
from memoryspan.engine.recognise import NotRecognisedError, stages
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

Apply = Callable[[Variables, Inputs, Int[Array, "batch"]], Outcome]


@dataclass(frozen=True)
class Forward:
    """A model as a pure function, and the path that serves it.

    `apply(variables, inputs, lengths)` reads nothing past a row's length.
    """

    path: Literal["unroll", "keras"]
    reason: str
    apply: Apply
    fixed_length: int | None
    """The number of time steps that the model insists on; None where it takes any."""

    def width(self, length: int, limit: int) -> int:
        """The width, in time steps, of the arrays that serve sequences of up to `length` < `limit` for a while.

        A wide array costs `unroll` memory alone, so it grows by four; it costs Keras time as well, so by two.
        """
        if self.path == "keras" and self.fixed_length is not None:
            return limit  # Keras walks all of its fixed length anyway
        width, growth = (64, 4) if self.path == "unroll" else (8, 2)
        while width <= length:
            width *= growth
        return min(width, limit)


def input_shape(model: keras.Model) -> tuple[int | None, ...]:
    """(batch, time, features), or (batch, time) where the model reads tokens; raises `ModelError`."""
    shape = getattr(model, "input_shape", None)
    if shape is None:  # a class of its own knows only the shape that it was built on
        shape = (model.get_build_config() or {}).get("input_shape")
    if not isinstance(shape, (tuple, list)) or len(shape) not in (2, 3) or not all(_is_size(n) for n in shape):
        raise ModelError(
            f"The model {model.name!r} should take one array of shape (batch, time, features), or of tokens "
            f"(batch, time), and it takes {shape}. If it is not built yet, call it once on such an array."
        )
    return tuple(shape)


def output_shape(model: keras.Model) -> tuple[int | None, ...]:
    """(batch, answers) or (batch, time, answers)."""
    return tuple(model.compute_output_spec(keras.KerasTensor(input_shape(model))).shape)


def _is_size(n) -> bool:
    return n is None or isinstance(n, int)


def tape_bytes(model: keras.Model, fwd: Forward, batch_size: int, length: int) -> int:
    """The memory, in bytes, that the gradient of one batch takes at the least, the weights not counted."""
    states = sum(sum(size) if isinstance(size := layer.state_size, (list, tuple)) else size for layer in _cells(model))
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
    """The model as a pure function; `training` as in Keras (dropout).

    Raises nothing for a model that it has not seen before: such a model runs through Keras.
    """
    fixed_length = input_shape(model)[1]
    try:
        found = stages(model, training)
    except NotRecognisedError as error:
        return Forward("keras", f"through Keras: {error}", _through_keras(model, training), fixed_length)
    return Forward("unroll", "a chain of stock layers, on tokens", _through_unroll(model, found), fixed_length)


def _through_unroll(model: keras.Model, found) -> Apply:
    def apply(variables, inputs, lengths):
        keys = map(id, (*model.trainable_variables, *model.non_trainable_variables))
        arrays = dict(zip(keys, (*variables.trainable, *variables.non_trainable), strict=True))
        if inputs.ndim == 3:  # a layer before the recurrence reads every step, and in its gradient 0 · NaN is NaN
            inputs = jnp.where(_mask(inputs, lengths)[..., None], inputs, 0)
        x = jnp.swapaxes(inputs, 0, 1)  # time first: a step reads one contiguous slice
        for stage in found:
            x = stage(lambda variable: arrays[id(variable)], x, lengths)
        predictions = jnp.swapaxes(x, 0, 1) if x.ndim == 3 else x
        return Outcome(predictions, variables.non_trainable, 0.0)

    return apply


def _through_keras(model: keras.Model, training: bool) -> Apply:
    _, fixed_length, *n_features = input_shape(model)
    arguments = signature(model.call).parameters
    takes_mask = "mask" in arguments
    regularised = sum(variable.regularizer is not None for variable in model.trainable_variables)
    for_training = {"training": training} if "training" in arguments else {}
    call = cast(Callable[..., tuple], partial(model.stateless_call, return_losses=True, **for_training))

    def apply(variables, inputs, lengths):
        if fixed_length is not None:
            inputs = _widen(inputs, fixed_length)
        mask = _mask(inputs, lengths)
        x = _as_keras_reads(inputs, mask, *n_features)
        if takes_mask:
            outcome = call(*variables, x, mask=mask)
        else:
            set_keras_mask(x, mask)  # for the layers inside a model whose own call does not pass a mask on
            outcome = call(*variables, x)
        predictions, non_trainable, losses = outcome
        set_keras_mask(predictions, None)  # else Keras's loss weighs by it, on top of the weights that it is given
        # Keras lists the regularisers of the weights last; those are in the compiled loss already.
        return Outcome(predictions, non_trainable, sum(losses[: len(losses) - regularised], 0.0))

    return apply


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
