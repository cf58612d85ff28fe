"""Which models do not read their padding, proved by what they are made of.

In a batch of rows of several lengths the shorter ones are padded, and a mask tells Keras's layers which steps are
there. Many layers drop the mask, or read masked steps in spite of it. Whether one does cannot be tried out: a model
may read its padding on some rows, or with some weights, and not on others. So a model gets padding only where every
layer on its way is one of those below, in a setting in which Keras is known to honour the mask and to pass it on.
`tests/engine/test_padding.py` holds each of them to it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from memoryspan.backend import keras
from memoryspan.layers import CausalConv, CausalSelfAttention, LastStep
from memoryspan.layers.recurrence import Recurrence

LAYERS = keras.layers

Kind = Literal["sequence", "vector"]
"""What a tensor in the model is: a row of steps with its mask, or something that has no steps."""

STEPWISE = (
    LAYERS.Activation,
    LAYERS.BatchNormalization,  # in training its moments leave masked steps out
    LAYERS.Dense,
    LAYERS.Dropout,
    LAYERS.ELU,
    LAYERS.GaussianDropout,
    LAYERS.GaussianNoise,
    LAYERS.Identity,
    LAYERS.LayerNormalization,
    LAYERS.LeakyReLU,
    LAYERS.ReLU,
    LAYERS.Rescaling,
    LAYERS.SpatialDropout1D,
    LAYERS.UnitNormalization,
)
"""Layers that treat each step alone, as long as they work along the last axis."""

CAUSAL = (CausalConv, CausalSelfAttention)
"""Layers in which no step sees a later one."""

MERGES = (
    LAYERS.Add,
    LAYERS.Average,
    LAYERS.Concatenate,
    LAYERS.Maximum,
    LAYERS.Minimum,
    LAYERS.Multiply,
    LAYERS.Subtract,
)

RECURRENT = (LAYERS.GRU, LAYERS.LSTM, LAYERS.SimpleRNN)


class _UnprovenError(Exception):
    """A layer, or a setting of it, that may read the padding; the message names it."""


def may_read_padding(model: keras.Model) -> str:
    """Return why the model may read padding behind a row's end, mask or no mask; "" where it is proved not to."""
    try:
        _follow(model)
    except _UnprovenError as error:
        return str(error)
    return ""


def _follow(model: keras.Model) -> None:
    """Follow the sequence through the graph of the model, layer by layer."""
    if type(model) not in (keras.Sequential, keras.models.Model) and not _is_functional(model):
        raise _UnprovenError(f"{type(model).__name__} is a class of its own")
    graph: Any = getattr(model, "_functional", model)
    if not model.built or not _is_functional(graph):
        raise _UnprovenError("its layers are not known before it is called")
    if len(graph.inputs) != 1:
        raise _UnprovenError("it has several inputs")
    if len(graph.inputs[0].shape) != 3:
        raise _UnprovenError("Embedding drops the mask of its symbols")
    kinds: dict[int, Kind] = {id(graph.inputs[0]): "sequence"}
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if not node.is_input:
                kind = _after(node.operation, node.arguments, [kinds[id(tensor)] for tensor in node.input_tensors])
                kinds |= {id(tensor): kind for tensor in node.outputs}


def _is_functional(model: Any) -> bool:
    return type(model).__module__.startswith("keras.") and hasattr(model, "_nodes_by_depth")


def _after(layer: Any, arguments: Any, kinds: Sequence[Kind]) -> Kind:
    """Return what the layer makes of tensors of these kinds, where it honours the mask."""
    if any(value is not None and not isinstance(value, bool) for value in arguments.kwargs.values()):
        raise _UnprovenError(f"{layer.name} is called with more than a sequence")
    if not isinstance(layer, keras.Layer):
        raise _UnprovenError(f"{layer.name} is an operation, which drops the mask")
    if getattr(layer, "activity_regularizer", None) is not None:
        raise _UnprovenError(f"{layer.name} penalises its activity, at masked steps too")
    if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
        raise _UnprovenError(f"{layer.name} keeps its kernel in parts")
    if type(layer) in MERGES:
        return _merged(layer, kinds)
    if len(kinds) != 1:
        raise _UnprovenError(f"{layer.name} is called with more than a sequence")
    rule = next((rule for types, rule in _RULES if isinstance(layer, types)), None)
    if rule is None or not type(layer).__module__.startswith(("keras.", "memoryspan.")):
        raise _UnprovenError(f"{layer.name} is a {type(layer).__name__}, which may read what is masked")
    return rule(layer, kinds[0])


def _merged(layer: Any, kinds: Sequence[Kind]) -> Kind:
    if len(set(kinds)) != 1:
        raise _UnprovenError(f"{layer.name} joins a sequence with a vector, and drops the mask")
    if type(layer) is LAYERS.Concatenate and layer.axis not in (-1, _rank(kinds[0]) - 1):
        raise _UnprovenError(f"{layer.name} joins steps")
    return kinds[0]


def _rank(kind: Kind) -> int:
    return 3 if kind == "sequence" else 2


def _stepwise(layer: Any, kind: Kind) -> Kind:
    _require_known(layer, "activation")
    axis = getattr(layer, "axis", -1)
    if (axis if isinstance(axis, int) else tuple(axis)) not in (-1, (-1,), _rank(kind) - 1, (_rank(kind) - 1,)):
        raise _UnprovenError(f"{layer.name} works along axis {axis}")
    return kind


def _recurrent(layer: Any, kind: Kind) -> Kind:
    _require_known(layer, "activation", "recurrent_activation")
    if layer.return_state or layer.stateful:
        raise _UnprovenError(f"{layer.name} hands its state on")
    if layer.return_sequences and layer.go_backwards:
        raise _UnprovenError(f"{layer.name} gives its steps in reverse order, the padding first")
    return "sequence" if layer.return_sequences else "vector"


def _bidirectional(layer: Any, kind: Kind) -> Kind:
    directions = layer.forward_layer, layer.backward_layer
    if any(type(one) not in RECURRENT for one in directions) or layer.merge_mode is None:
        raise _UnprovenError(f"{layer.name} does not join two stock recurrent layers")
    for one in directions:
        _require_known(one, "activation", "recurrent_activation")
        if one.return_state or one.stateful:
            raise _UnprovenError(f"{one.name} hands its state on")
    return "sequence" if layer.return_sequences else "vector"


def _time_distributed(layer: Any, kind: Kind) -> Kind:
    if type(layer.layer) not in STEPWISE or type(layer.layer) is LAYERS.BatchNormalization:
        raise _UnprovenError(f"{layer.name} distributes a {type(layer.layer).__name__}")
    _stepwise(layer.layer, "vector")  # that sees one step
    return kind


def _average(layer: Any, kind: Kind) -> Kind:
    if layer.data_format != "channels_last" or layer.keepdims:
        raise _UnprovenError(f"{layer.name} does not average over steps alone")
    return "vector"


def _answering(layer: Any, kind: Kind) -> Kind:
    return "sequence" if layer.return_sequences else "vector"


def _require_known(layer: Any, *names: str) -> None:
    """Raise where an activation is not Keras's own, because it might mix steps."""
    for name in names:
        activation = getattr(layer, name, None)
        if activation is not None and not any(activation is known for known in vars(keras.activations).values()):
            raise _UnprovenError(f"the {name} of {layer.name} is not one of keras.activations")


_Rule = Callable[[Any, Kind], Kind]

_RULES: tuple[tuple[Any, _Rule], ...] = (
    (LAYERS.InputLayer, lambda layer, kind: kind),
    (STEPWISE, _stepwise),
    (CAUSAL, lambda layer, kind: kind),
    (RECURRENT, _recurrent),
    (LAYERS.Bidirectional, _bidirectional),
    (LAYERS.TimeDistributed, _time_distributed),
    (LAYERS.GlobalAveragePooling1D, _average),
    (Recurrence, _answering),
    (LastStep, lambda layer, kind: "vector"),
)
