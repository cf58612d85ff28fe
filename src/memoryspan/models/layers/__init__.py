"""Keras layers that Keras does not have. Each passes its mask on, and never reads what the mask hides.

They are ordinary Keras layers, registered under `memoryspan>`, and draw their initial weights in NumPy from `seed`.
"""

from memoryspan.models.layers.causal_conv import CausalConv
from memoryspan.models.layers.causal_self_attention import CausalSelfAttention
from memoryspan.models.layers.last_step import LastStep
from memoryspan.models.layers.lru import LRU
from memoryspan.models.layers.min_gru import MinGRU
from memoryspan.models.layers.min_lstm import MinLSTM

__all__ = ["LRU", "CausalConv", "CausalSelfAttention", "LastStep", "MinGRU", "MinLSTM"]
