"""Keras layers that Keras does not have. Each passes its mask on, and never reads what the mask hides.

They are ordinary Keras layers, registered under `memoryspan>`, and draw their initial weights in NumPy from `seed`.
"""

from memoryspan.layers.causal_conv import CausalConv
from memoryspan.layers.causal_self_attention import CausalSelfAttention
from memoryspan.layers.last_step import LastStep
from memoryspan.layers.lru import LRU
from memoryspan.layers.min_gru import MinGRU
from memoryspan.layers.min_lstm import MinLSTM

__all__ = ["LRU", "CausalConv", "CausalSelfAttention", "LastStep", "MinGRU", "MinLSTM"]
