"""The layer that reads a model's symbols."""

from typing import Any

from memoryspan.backend import keras


def symbol_table(model: keras.Model) -> keras.layers.Embedding | None:
    """Return the embedding that looks up the symbols which the model is given; None where it is not plain which.

    It is the one that the model's input feeds, also inside a model that is a layer; or the only one that there is.
    Beside the table of the symbols a model may have one of their positions.
    """
    if len(getattr(model, "input_shape", None) or ()) == 3:
        return None  # it reads vectors
    fed = _fed_by_input(model)
    if len(fed) == 1:
        return fed[0]
    tables = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]
    return tables[0] if len(tables) == 1 else None


def _fed_by_input(model: Any) -> list[keras.layers.Embedding]:
    """The embeddings called on the input of the model itself, in the graph of its layers."""
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth") or len(graph.inputs) != 1:
        return []
    found = []
    for nodes in graph._nodes_by_depth.values():
        for node in nodes:
            if not node.is_input and node.input_tensors and node.input_tensors[0] is graph.inputs[0]:
                layer = node.operation
                found += [layer] if isinstance(layer, keras.layers.Embedding) else _fed_by_input(layer)
    return list({id(layer): layer for layer in found}.values())
