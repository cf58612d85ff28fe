"""What the recurrent layers of a Keras model do at every step: their gates, cell state and hidden state.

The model runs through Keras as it is. Each call of a recurrent layer is watched, wherever in the model it happens: what
the layer was given (a sequence, a mask, an initial state) runs once more, by the equations of its cell, which return
their gates. So any model can be traced whose layers can be watched: a chain, a graph, a class of its own.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from typing import Any, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from memoryspan.backend import keras
from memoryspan.engine import cells
from memoryspan.engine.recognise import NotRecognisedError, compile_layers, step_of, weights_of_cell
from memoryspan.engine.shapes import input_shape
from memoryspan.engine.signature import Apply, Inputs, Variables
from memoryspan.engine.through_keras import keras_reader
from memoryspan.engine.through_unroll import through_unroll
from memoryspan.engine.unroll import unroll
from memoryspan.engine.watch import watched

LAYERS, ops = keras.layers, keras.ops

STOCK = (LAYERS.LSTMCell, LAYERS.GRUCell, LAYERS.SimpleRNNCell)

HOOK = "trace_states"
"""The method of an own layer that is to be traced: (x, mask) -> named arrays (batch, time, units)."""


@partial(jax.tree_util.register_dataclass, data_fields=("arrays",), meta_fields=("name", "kind"))
@dataclass(frozen=True)
class LayerTrace:
    """What one recurrent layer did, in the order of the sequence also where it reads it backwards.

    Past a row's length all is NaN. A step that the model itself masks (`Masking`, `mask_zero`) keeps the state, and has
    no gates: they are NaN.
    """

    name: str
    """The layer's; where it is called again, followed by (2)."""
    kind: str
    """LSTM, GRU, SimpleRNN, or the class of an own layer or cell."""
    arrays: dict[str, Float[Any, "batch time units"]]
    """By name. LSTM: input, forget, candidate, output, cell, hidden. GRU: update, reset, candidate, hidden."""


Traced = Callable[[Variables, Inputs, Int[Array, "batch"]], tuple[Any, list[LayerTrace]]]


def traced(model: keras.Model, ragged: bool) -> Traced:
    """The model as a pure function to its outputs and to what its recurrent layers did, in the order of their calls.

    `ragged`: rows of several lengths, for a model that does not read its padding. Else each row goes alone, where the
    model does not insist on a number of rows.
    """
    call = keras_reader(model, training=False)

    def run(variables, inputs, lengths):
        alive = jnp.arange(inputs.shape[1]) < lengths[:, None]
        found: list[LayerTrace] = []

        def see(layer, x, mask, state):
            for one in _traced_layers(layer, x, mask, state):
                one = one if mask is None else _without_padding(one, alive)
                found.append(replace(one, name=_unused(one.name, found)))

        with ExitStack() as watching:
            for layer in _recurrent(model):
                watching.enter_context(watched(layer, partial(_telling, see, layer)))
            return call(variables, inputs, alive if ragged else None).predictions, found

    def row_by_row(variables, inputs, lengths):
        one = jax.vmap(lambda row, length: run(variables, row[None], length[None]))
        return jax.tree.map(lambda array: array[:, 0], one(inputs, lengths))

    return run if ragged or input_shape(model)[0] else row_by_row


def _telling(see: Callable, layer: keras.Layer, call: Callable) -> Callable:
    """The call, which tells `see` the layer, and the sequence, mask and initial state that it is given."""

    def telling(*args, **kwargs):
        given = signature(call).bind(*args, **kwargs).arguments
        see(layer, next(iter(given.values())), given.get("mask"), given.get("initial_state"))
        return call(*args, **kwargs)

    return telling


def prefix_predictions(model: keras.Model) -> Apply | None:
    """Return the output of a chain of stock layers if each row ended at each step; None if a layer looks ahead.

    A layer that does not look ahead is at each step where it would be at the end of a shorter row.
    """
    try:
        return through_unroll(model, compile_layers(model, training=False, every_step=True))
    except NotRecognisedError:
        return None


def _recurrent(model: keras.Model) -> list[keras.Layer]:
    """The layers to watch, each once. What is inside a `Bidirectional` is traced with it: cuDNN leaves it uncalled."""
    layers = {id(layer): layer for layer in model._flatten_layers() if _is_recurrent(layer)}
    inside = {id(one) for layer in layers.values() for one in _directions(layer)}
    return [layer for key, layer in layers.items() if key not in inside]


def _is_recurrent(layer: keras.Layer) -> bool:
    return isinstance(layer, LAYERS.RNN | LAYERS.Bidirectional) or hasattr(layer, HOOK)


def _directions(layer: keras.Layer) -> tuple[keras.Layer, ...]:
    return (layer.forward_layer, layer.backward_layer) if isinstance(layer, LAYERS.Bidirectional) else ()


def _traced_layers(layer: keras.Layer, x, mask, state) -> Iterator[LayerTrace]:
    """Yield the layer's own trace, or those of its two directions, or of its cells where they are stacked."""
    if hasattr(layer, HOOK):
        yield LayerTrace(layer.name, type(layer).__name__, OrderedDict(getattr(layer, HOOK)(x, mask)))
    elif isinstance(layer, LAYERS.Bidirectional):
        states = (None, None) if state is None else (state[: len(state) // 2], state[len(state) // 2 :])
        for direction, its_state in zip(_directions(layer), states, strict=True):
            yield from _traced_layers(direction, x, mask, its_state)
    elif isinstance(layer, LAYERS.RNN):
        yield from _traced_cells(layer, x, mask, state)


def _traced_cells(layer: keras.layers.RNN, x, mask, state) -> Iterator[LayerTrace]:
    stacked = isinstance(layer.cell, LAYERS.StackedRNNCells)
    start: Any = _initial(layer, len(x)) if state is None else state
    states = list(start) if stacked else [start]
    x, mask = (one if one is None or not layer.go_backwards else jnp.flip(one, 1) for one in (x, mask))
    for cell, its_state in zip(layer.cell.cells if stacked else [layer.cell], states, strict=True):
        x, arrays = _traced_cell(cell, ops.cast(x, cell.compute_dtype), mask, its_state)
        if layer.go_backwards:
            arrays = OrderedDict((name, jnp.flip(array, 1)) for name, array in arrays.items())
        name = f"{layer.name}/{cell.name}" if stacked else layer.name
        yield LayerTrace(name, type(cell).__name__.removesuffix("Cell"), arrays)


def _initial(layer: keras.layers.RNN, batch_size: int):
    return layer.states if layer.stateful else layer.get_initial_state(batch_size)


def _traced_cell(cell: keras.Layer, x, mask, state) -> tuple[Array, OrderedDict]:
    """Return the outputs of the cell at every step, and its arrays, batch first.

    The names keep their order in an `OrderedDict`; a `dict` comes back from JAX in the order of the alphabet.
    """
    weights, start, step = _stock(cell, state) if type(cell) in STOCK else _own(cell, state)

    def masked_step(weights, state, given):
        x, alive = given
        new, (answer, gates) = step(weights, state, x)
        if alive is not None:
            new = jax.tree.map(lambda n, old: jnp.where(alive[:, None], n, old), new, state)
            gates = {name: jnp.where(alive[:, None], gate, jnp.nan) for name, gate in gates.items()}
        return new, (answer, OrderedDict(gates, **_named(new)))

    given = jnp.swapaxes(x, 0, 1), None if mask is None else jnp.swapaxes(mask, 0, 1)
    lengths = jnp.full(len(x), x.shape[1])
    _, seen = cast(tuple, unroll(masked_step, weights, start, given, lengths))
    return jax.tree.map(lambda array: jnp.swapaxes(array, 0, 1), seen)


def _stock(cell: keras.Layer, state):
    """Return the weights, state and step of a cell of Keras's, by the same equations as in training."""
    tensors = [ops.convert_to_tensor(one, cell.compute_dtype) for one in keras.tree.flatten(state)]
    start = (cells.HiddenAndCell if isinstance(cell, LAYERS.LSTMCell) else cells.Hidden)(*tensors)
    weights = weights_of_cell(cell, lambda variable: ops.convert_to_tensor(variable, cell.compute_dtype))
    step = step_of(cell, partial(getattr, cell))

    def step_and_gates(weights, state, x):
        state, gates = step(weights, state, x)
        return state, (state.hidden, gates._asdict())

    return weights, start, step_and_gates


def _own(cell: keras.Layer, state):
    """Return the outputs and states of any other cell, through Keras; its gates are not known."""
    start = tuple(ops.convert_to_tensor(one, cell.compute_dtype) for one in keras.tree.flatten(state))

    def step(_, flat, x):
        answer, new = cell(x, keras.tree.pack_sequence_as(state, list(flat)))
        return tuple(keras.tree.flatten(new)), (answer, {"answer": answer})

    return (), start, step


def _named(state) -> dict[str, Array]:
    """Return the arrays of a state by name, the hidden state last."""
    if not hasattr(state, "_asdict"):
        return {f"state {number}": one for number, one in enumerate(state, start=1)}
    return dict(reversed(state._asdict().items()))


def _without_padding(layer: LayerTrace, alive: Bool[Array, "batch time"]) -> LayerTrace:
    """Return the trace with NaN past the lengths, where the layer has the steps of the input."""

    def blank(array):
        return jnp.where(alive[..., None], array, jnp.nan) if array.shape[1] == alive.shape[1] else array

    return replace(layer, arrays=OrderedDict((name, blank(array)) for name, array in layer.arrays.items()))


def _unused(name: str, found: list[LayerTrace]) -> str:
    times = 1 + sum(one.name.partition(" (")[0] == name for one in found)
    return name if times == 1 else f"{name} ({times})"
