"""A Keras model in, a pure function out: `forward(model)`.

There are two engines, with the same results. A chain of stock layers runs on tokens through `unroll`; any other model
runs through Keras itself. `Forward.engine` is the one that serves the model, `Forward.reason` why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

from memoryspan.backend import keras
from memoryspan.engine.keras_call import recurrent_layers
from memoryspan.engine.native import native_unroll
from memoryspan.engine.padding import may_read_padding
from memoryspan.engine.recognise import NotRecognisedError, compile_layers
from memoryspan.engine.shapes import answer_shape, input_shape
from memoryspan.engine.signature import Apply
from memoryspan.engine.through_keras import through_keras
from memoryspan.engine.through_unroll import through_unroll
from memoryspan.errors import ModelError
from memoryspan.validate import checked

Engine = Literal["unroll", "keras"]


@dataclass(frozen=True)
class Forward:
    """A model as a pure function, and the engine that serves it.

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
        """Return the least length from `length` to `limit` that the model takes; `limit` if it takes none of them."""
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
            return limit  # Keras computes all of its fixed length anyway
        width, growth = (64, 4) if self.engine == "unroll" else (16, 2)
        while width <= length:
            width *= growth
        return min(width, limit)


NEAR = 32
"""Lengths that are tried one by one where a model does not take the first: it may take multiples alone."""


@checked
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
    native = any(native_unroll(layer.cell) for layer in recurrent_layers(model))
    reason = "a chain of stock layers, on tokens" + (", the recurrence in C++" if native else "")
    return Forward("unroll", reason, apply, fixed_length, True, partial(_fits, fixed_length), native)


def engine_of(model: keras.Model, *, training: bool = False) -> Engine:
    """Return the engine that `forward` takes, without building anything."""
    try:
        compile_layers(model, training)
    except NotRecognisedError:
        return "keras"
    return "unroll"


def tape_bytes(model: keras.Model, fwd: Forward, batch_size: int, length: int) -> int:
    """Return the least memory, in bytes, that the gradient of one batch takes, without the weights."""
    states = sum(sum(keras.tree.flatten(layer.state_size)) for layer in recurrent_layers(model))
    _, _, *features = input_shape(model)
    one_hot = (features or [0])[0] or 0 if fwd.engine == "keras" else 0
    return 4 * batch_size * length * (1 + states + one_hot)


def _fits(fixed_length: int | None, length: int) -> bool:
    """Return whether padding makes a sequence as long as the fixed length, where there is one."""
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
