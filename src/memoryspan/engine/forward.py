"""A Keras model in, a pure function out: `forward(model)`.

There are two paths, with the same results. A chain of stock layers runs on tokens through `unroll`; any other model
runs through Keras itself, on symbols, one-hot rows or numbers. `Forward.engine` says which one, `Forward.reason` why.

Rows of several lengths go into one batch only where the model is proved not to read the padding (`Forward.ragged`).
Every other model gets what Keras itself would be given: rows of one length, no padding, no mask. It sees each row
alone, so that its answer to a sequence is the same in any company.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from inspect import signature
from typing import Literal, NamedTuple, cast
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from memoryspan.backend import keras, set_keras_mask
from memoryspan.engine.native import native_unroll
from memoryspan.engine.padding import may_read_padding
from memoryspan.engine.recognise import CompiledLayer, NotRecognisedError, compile_layers
from memoryspan.errors import ModelError


class Variables(NamedTuple):
    """The arrays of a Keras model, in the order in which the model lists its variables."""

    trainable: list[Array]
    non_trainable: list[Array]


class ForwardOutput(NamedTuple):
    """What a call of a model gives."""

    predictions: Float[Array, "batch ..."]
    """(batch, answers), or (batch, time, answers); past a row's length they mean nothing."""
    non_trainable: list[Array]
    """The non-trainable arrays after the call."""
    aux_loss: Float[Array, ""] | float
    """What layers added to the loss in the call (`add_loss`, activity regularisers)."""


Inputs = Int[Array, "batch time"] | Float[Array, "batch time *features"]
"""Symbols, or numbers: vectors, or one number a step for a model that takes (batch, time)."""

Engine = Literal["unroll", "keras"]

Apply = Callable[[Variables, Inputs, Int[Array, "batch"]], ForwardOutput]


@dataclass(frozen=True)
class Forward:
    """A model as a pure function, and the path that serves it.

    `apply(variables, inputs, lengths)` reads nothing past a row's length. Unless `ragged`, the rows fill the array.
    """

    engine: Engine
    reason: str
    apply: Apply
    fixed_length: int | None
    """The number of time steps that the model insists on; None where it takes any."""
    ragged: bool
    """Whether rows of several lengths fit into one batch: the model is proved not to read the padding."""
    takes: Callable[[int], bool]
    """Whether the model takes sequences of this length."""
    native: bool = False
    """Whether a recurrence runs in C++, on threads of its own."""

    def length_from(self, length: int, limit: int) -> int:
        """Return the least length from `length` to `limit` that the model takes; `limit` where there is none below."""
        near = range(length, min(length + NEAR, limit))
        if (found := next(filter(self.takes, near), None)) is not None:
            return found
        below, above, step = length + NEAR - 1, limit, NEAR
        while below + step < above:  # farther off it is a least length, which doubling and halving find
            if self.takes(below + step):
                above = below + step
            else:
                below, step = below + step, 2 * step
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (below, middle) if self.takes(middle) else (middle, above)
        return above

    def width(self, length: int, limit: int) -> int:
        """Return the width, in time steps, of the arrays that serve sequences of up to `length` ≤ `limit` for a while.

        A wide array costs `unroll` memory alone, and Keras time as well; but for each width a program is compiled.
        """
        if not self.ragged:
            return self.length_from(length, limit)
        if self.engine == "keras" and self.fixed_length is not None:
            return limit  # Keras walks all of its fixed length anyway
        width, growth = (64, 4) if self.engine == "unroll" else (16, 2)
        while width <= length:
            width *= growth
        return min(width, limit)


NEAR = 32
"""Lengths that are tried one by one where a model does not take the one asked for: it may take multiples alone."""


def input_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Return (batch, time, features), or (batch, time) for symbols or one number a step; raises `ModelError`."""
    if not isinstance(model, keras.Model):
        raise ModelError(f"A model should be a Keras model, got {model!r}: load a file with keras.saving.load_model.")
    shape = getattr(model, "input_shape", None)
    if shape is None:  # a class of its own knows only the shape that it was built on
        shape = (model.get_build_config() or {}).get("input_shape")
        shape = _freed(model, tuple(shape)) if isinstance(shape, (tuple, list)) else shape
    if shape is None and model.built:
        raise ModelError(
            f"The model {model.name!r} was called, and Keras could not work out its shapes from that: where it "
            f"branches on a value (`if x > 0`, float(x)) it cannot be compiled. Use keras.ops.where or keras.ops.cond "
            f"there; if that is not it, give it a build(input_shape) that builds its layers."
        )
    if not isinstance(shape, (tuple, list)) or len(shape) not in (2, 3) or not all(_is_size(n) for n in shape):
        raise ModelError(
            f"The model {model.name!r} should take one array of shape (batch, time, features), or of symbols "
            f"(batch, time), and it takes {shape}. "
            + ("" if model.built else "It is not built yet: call it once on such an array.")
        )
    return tuple(shape)


def _freed(model: keras.Model, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """The shape of the one batch on which a class of its own was built, without what was so in that batch alone."""
    if len(shape) < 2 or shape[1] is None or not all(isinstance(n, int) for n in shape[1:]):
        return (None, *shape[1:])
    if model not in _TAKES_OTHERS:
        dtype, longer = "int32" if len(shape) == 2 else "float32", [(shape[1] + 1), 2 * shape[1]]
        call = partial(model.stateless_call, *variables_of(model))
        _TAKES_OTHERS[model] = any(
            _has_shape(call, jax.ShapeDtypeStruct((1, length, *shape[2:]), dtype)) for length in longer
        )
    return (None, None if _TAKES_OTHERS[model] else shape[1], *shape[2:])


_TAKES_OTHERS: WeakKeyDictionary[keras.Model, bool] = WeakKeyDictionary()
"""Whether models that are a class of their own take other lengths than the one that they were built on."""


def _has_shape(call: Callable, x: jax.ShapeDtypeStruct) -> bool:
    try:
        jax.eval_shape(call, x)
    except Exception:  # a model of somebody's can raise anything
        return False
    return True


def output_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Return (batch, answers) or (batch, time, answers); raises `ModelError` where there is not one answer."""
    shape = input_shape(model)
    built = None if getattr(model, "input_shape", None) else (model.get_build_config() or {}).get("input_shape")
    if built is not None and len(shape) > 1 and shape[1] is None and built[1] is not None:
        answer = answer_shape(model, built[1])  # a length that it is known to take: the code of its call may need one
        return (None, None, answer[-1]) if len(answer) == 2 else (None, *answer)
    try:
        answer = model.compute_output_spec(_container(model)(keras.KerasTensor(shape, _input_dtype(model))))
    except Exception as error:  # a model of somebody's can raise anything
        raise _why_not(model, error, f"an array of shape {shape}") from error
    return tuple(_only(model, answer).shape)


def answer_shape(model: keras.Model, length: int) -> tuple[int, ...]:
    """Return the shape of the answer to one sequence of this length: (answers,) or (time, answers).

    Raises `ModelError` where the model does not take the length, or does not give one array.
    """
    rows, steps, *features = input_shape(model)
    x = jax.ShapeDtypeStruct((rows or 1, length, *(n or 1 for n in features)), _input_dtype(model))
    call, variables = _keras_call(model, training=False), variables_of(model)
    if steps not in (None, length):
        raise ModelError(
            f"The model {model.name!r} takes {steps} time steps, and not {length}: ask for length={steps}."
        )
    try:
        answer = _only(model, jax.eval_shape(lambda x: call(variables, x, None).predictions, x))
    except ModelError:
        raise
    except Exception as error:
        raise _why_not(model, error, f"a sequence of {length} steps") from error
    return tuple(answer.shape[1:])


def _input_dtype(model: keras.Model) -> str:
    """As the model says; else that of symbols for an input of (batch, time), and of numbers for one with features."""
    inputs = getattr(model, "inputs", None)
    return inputs[0].dtype if inputs else "int32" if len(input_shape(model)) == 2 else "float32"


def _only(model: keras.Model, answer):
    """The one array that a model gives, out of the list or dictionary of one in which it may come."""
    arrays = keras.tree.flatten(answer)
    if len(arrays) != 1:
        raise ModelError(f"The model {model.name!r} should give one array, and it gives {len(arrays)}.")
    return arrays[0]


UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.UnexpectedTracerError,
)
"""What JAX raises where a call needs values that a compiled program does not have yet."""


def _why_not(model: keras.Model, error: Exception, what: str) -> ModelError:
    """What to say of a model whose call raised `error`, where it should have given an answer to `what`."""
    causes, cause = [], error
    while cause is not None and cause not in causes:
        causes, cause = [*causes, cause], cause.__cause__ or cause.__context__
    if any(isinstance(cause, UNTRACEABLE) for cause in causes):
        return ModelError(
            f"The call of the model {model.name!r} cannot be compiled: it branches on a value (`if x > 0`, float(x)), "
            f"or computes with NumPy. Use keras.ops.where, keras.ops.cond and keras.ops there."
        )
    return ModelError(f"The model {model.name!r} does not take {what} ({_first_line(error)}).")


def _first_line(error: Exception) -> str:
    """What went wrong, out of Keras's many lines, some of them bold."""
    text = re.sub(r"\x1b\[\d*m", "", str(error)).split("Exception encountered: ")[-1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("Exception encountered when calling")]
    return (told[0] if told else type(error).__name__).rstrip(".")[:200]


def _is_size(n) -> bool:
    return n is None or isinstance(n, int)


def tape_bytes(model: keras.Model, fwd: Forward, batch_size: int, length: int) -> int:
    """The memory, in bytes, that the gradient of one batch takes at the least, the weights not counted."""
    states = sum(sum(keras.tree.flatten(layer.state_size)) for layer in _cells(model))
    _, _, *features = input_shape(model)
    one_hot = (features or [0])[0] or 0 if fwd.engine == "keras" else 0
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
    """Return the model as a pure function; `training` as in Keras (dropout). Call it again after changing `trainable`.

    Raises nothing for a model that it has not seen before: such a model runs through Keras.
    """
    rows, fixed_length, *_ = input_shape(model)
    try:
        apply = through_unroll(model, compile_layers(model, training))
    except NotRecognisedError as error:
        padding = f"it takes exactly {rows} rows" if rows else may_read_padding(model)
        reason = f"through Keras: {error}" + (f"; one length a batch: {padding}" if padding else "")
        apply = through_keras(model, training, ragged=not padding)
        takes = _takes(model) if padding else partial(_fits, fixed_length)
        return Forward("keras", reason, apply, fixed_length, not padding, takes)
    native = any(native_unroll(layer.cell) for layer in _cells(model))
    reason = "a chain of stock layers, on tokens" + (", the recurrence in C++" if native else "")
    return Forward("unroll", reason, apply, fixed_length, True, partial(_fits, fixed_length), native)


def _fits(fixed_length: int | None, length: int) -> bool:
    """Whether padding makes the fixed length of a sequence, where there is one."""
    return fixed_length is None or length <= fixed_length


def _takes(model: keras.Model) -> Callable[[int], bool]:
    @cache
    def takes(length: int) -> bool:
        if input_shape(model)[1] not in (None, length):
            return False
        try:
            answer_shape(model, length)
        except ModelError:
            return False
        return True

    return takes


def engine_of(model: keras.Model, *, training: bool = False) -> Engine:
    """Return the path that `forward` takes; to know it alone costs nothing."""
    try:
        compile_layers(model, training)
    except NotRecognisedError:
        return "keras"
    return "unroll"


def through_unroll(model: keras.Model, found: list[CompiledLayer]) -> Apply:
    """Run the compiled layers of a model, one after the other."""
    keys = [id(variable) for variable in (*model.trainable_variables, *model.non_trainable_variables)]

    def apply(variables, inputs, lengths):
        arrays = dict(zip(keys, (*variables.trainable, *variables.non_trainable), strict=True))
        if inputs.ndim == 3:  # a layer before the recurrence reads every step, and in its gradient 0 · NaN is NaN
            inputs = jnp.where(_mask(inputs, lengths)[..., None], inputs, 0).astype(jnp.float32)
        x = jnp.swapaxes(inputs, 0, 1)  # time first: a step reads one contiguous slice
        for layer in found:
            x = layer(lambda variable: arrays[id(variable)], x, lengths)
        predictions = jnp.swapaxes(x, 0, 1) if x.ndim == 3 else x
        return ForwardOutput(predictions, variables.non_trainable, 0.0)

    return apply


def through_keras(model: keras.Model, training: bool, ragged: bool) -> Apply:
    """Keras itself: `ragged` rows with a mask; else rows that fill the array, without one.

    In training a batch goes through Keras as in `fit`. Otherwise each row goes alone, for a layer may look at the
    others (a normalisation over the batch); where the model insists on a number of rows, that many at a time.
    """
    height, fixed_length, *_ = input_shape(model)
    read = keras_reader(model, training)

    def call(variables, inputs, mask):
        outcome = read(variables, inputs, mask)
        return outcome._replace(predictions=_only(model, outcome.predictions))

    def on_ragged_rows(variables, inputs, lengths):
        mask = _mask(inputs, lengths)
        if fixed_length is not None:
            inputs, mask = _widen(inputs, fixed_length), _widen(mask, fixed_length)
        return call(variables, inputs, mask)

    def on_rows_of_one_length(variables, inputs, lengths):
        inputs = _cut(model, inputs, lengths)
        if training:
            return call(variables, inputs, None)
        return _each_alone(call, height or 1, seeds_of(model), variables, inputs)

    return on_ragged_rows if ragged else on_rows_of_one_length


def _cut(model: keras.Model, inputs: Inputs, lengths: Int[Array, "batch"]) -> Inputs:
    """The rows without padding, where their lengths are known now; raises `ModelError` where those are several."""
    if isinstance(lengths, Tracer):
        return inputs
    if (lengths != lengths[0]).any():
        raise ModelError(
            f"The model {model.name!r} takes rows of one length at a time, because it may read padding, and got rows "
            f"of {lengths.min()} to {lengths.max()} steps: call it once for each length."
        )
    return inputs[:, : int(lengths[0])]


def seeds_of(model: keras.Model) -> list[int]:
    """Return which of the model's non-trainable variables are states of random generators."""
    return [n for n, one in enumerate(model.non_trainable_variables) if "seed_generator_state" in one.path]


def _each_alone(
    call: Callable[..., ForwardOutput], height: int, seeds: list[int], variables: Variables, inputs: Inputs
) -> ForwardOutput:
    """`height` rows at a time, side by side; the last ones are filled up with rows of zeros.

    A model that draws at random also when it is used (dropout that stays on) is given all rows together, as in Keras:
    alone, each would draw the same.
    """
    rows = len(inputs)
    missing = -rows % height
    blocks = jnp.pad(inputs, ((0, missing), *[(0, 0)] * (inputs.ndim - 1)))
    blocks = blocks.reshape(-1, height, *inputs.shape[1:])

    draws = False

    def one(block):
        nonlocal draws
        outcome = call(variables, block, None)
        draws = any(outcome.non_trainable[seed] is not variables.non_trainable[seed] for seed in seeds)
        return outcome.predictions, outcome.aux_loss

    predictions, penalties = jax.vmap(one)(blocks)
    if draws and height == 1:
        return call(variables, inputs, None)
    predictions = predictions.reshape(-1, *predictions.shape[2:])[:rows]
    return ForwardOutput(predictions, variables.non_trainable, jnp.mean(penalties))


def keras_reader(model: keras.Model, training: bool) -> Callable[..., ForwardOutput]:
    """call(variables, inputs, mask): Keras itself, on symbols or numbers; mask is None where nothing is padded.

    The predictions are all that the model gives.
    """
    call = _keras_call(model, training)
    return lambda variables, inputs, mask: call(variables, as_keras_reads(model, inputs, mask), mask)


def _keras_call(model: keras.Model, training: bool) -> Callable[..., ForwardOutput]:
    """call(variables, x, mask): Keras itself, on input as Keras reads it; mask is None where nothing is padded.

    Unless it trains, a stateful layer begins each sequence anew, as after `reset_state`.
    """
    arguments = signature(model.call).parameters
    takes_mask = "mask" in arguments
    regularised = sum(variable.regularizer is not None for variable in model.trainable_variables)
    for_training = {"training": training} if "training" in arguments else {}
    stateless = cast(Callable[..., tuple], partial(model.stateless_call, return_losses=True, **for_training))
    states = set() if training else {id(variable) for layer in _cells(model) for variable in _states(layer)}
    container = _container(model)

    def call(variables, x, mask):
        if states:
            pairs = zip(model.non_trainable_variables, variables.non_trainable, strict=True)
            reset = [jnp.zeros_like(array) if id(variable) in states else array for variable, array in pairs]
            variables = variables._replace(non_trainable=reset)
        if mask is None:
            outcome = stateless(*variables, container(x))
        elif takes_mask:
            outcome = stateless(*variables, container(x), mask=mask)
        else:
            set_keras_mask(x, mask)  # for the layers inside a model whose own call does not pass a mask on
            outcome = stateless(*variables, container(x))
        predictions, non_trainable, losses = outcome
        for array in keras.tree.flatten(predictions):
            set_keras_mask(array, None)  # else Keras's loss weighs by it, on top of the weights that it is given
        # Keras lists the regularisers of the weights last; those are in the compiled loss already.
        return ForwardOutput(predictions, non_trainable, sum(losses[: len(losses) - regularised], 0.0))

    return call


def _container(model: keras.Model) -> Callable:
    """What the model's one input comes in, as it was built: itself, or a list or dictionary of one."""
    structure = getattr(model, "_inputs_struct", None)
    if not isinstance(structure, list | tuple | dict):
        return lambda array: array
    return lambda array: keras.tree.pack_sequence_as(structure, [array])


def _states(layer: keras.layers.RNN) -> list[keras.Variable]:
    """What a stateful layer carries from one batch to the next."""
    return keras.tree.flatten(layer.states) if layer.stateful else []


def _mask(inputs: Inputs, lengths: Int[Array, "batch"]) -> Bool[Array, "batch time"]:
    return jnp.arange(inputs.shape[1]) < lengths[:, None]


def _widen(inputs: Array, width: int) -> Array:
    missing = width - inputs.shape[1]
    return jnp.pad(inputs, ((0, 0), (0, missing), *[(0, 0)] * (inputs.ndim - 2)))


def as_keras_reads(model: keras.Model, inputs: Inputs, mask: Bool[Array, "batch time"] | None = None) -> Array:
    """Return what the model is given in Keras: symbols, one-hot rows or numbers, with zeros where the mask hides."""
    _, _, *n_features = input_shape(model)
    if n_features and jnp.issubdtype(inputs.dtype, jnp.integer):
        inputs = jax.nn.one_hot(inputs, cast(int, n_features[0]))
    if mask is None:
        return inputs
    return jnp.where(mask[..., None] if inputs.ndim == 3 else mask, inputs, 0)
