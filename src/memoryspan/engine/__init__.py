"""How a model runs fast: a Keras model in, a pure function out. Knows nothing of tasks or files."""

from memoryspan.engine.forward import Forward, engine_of, forward, tape_bytes
from memoryspan.engine.loss import compiled_loss, is_mean, single_loss, weights_of
from memoryspan.engine.native import native_target, why_not_native
from memoryspan.engine.signature import ForwardOutput, Variables, assign, variables_of
from memoryspan.engine.unroll import unroll

__all__ = [
    "Forward",
    "ForwardOutput",
    "Variables",
    "assign",
    "compiled_loss",
    "engine_of",
    "forward",
    "is_mean",
    "native_target",
    "single_loss",
    "tape_bytes",
    "unroll",
    "variables_of",
    "weights_of",
    "why_not_native",
]
