"""Keras layers that Keras does not have: recurrences, attention and convolutions that look back only.

They are ordinary Keras layers, registered under `memoryspan>`, and draw their initial weights in NumPy from `seed`. A
masked step is as if it were not there. Layers with a state also compute one step alone (`step`), and say how many
numbers they carry from step to step (`state_size`).
"""

from memoryspan.layers.causal_conv import CausalConv
from memoryspan.layers.causal_self_attention import CausalSelfAttention
from memoryspan.layers.delta_net import DeltaNet
from memoryspan.layers.gated_linear_attention import GatedLinearAttention
from memoryspan.layers.last_step import LastStep
from memoryspan.layers.lru import LRU
from memoryspan.layers.mamba import Mamba
from memoryspan.layers.mamba2 import Mamba2
from memoryspan.layers.min_gru import MinGRU
from memoryspan.layers.min_lstm import MinLSTM
from memoryspan.layers.mlstm import MLSTM
from memoryspan.layers.rg_lru import RGLRU
from memoryspan.layers.s4d import S4D
from memoryspan.layers.s5 import S5
from memoryspan.layers.s6 import S6
from memoryspan.layers.slstm import SLSTM

__all__ = [
    "LRU",
    "MLSTM",
    "RGLRU",
    "S4D",
    "S5",
    "S6",
    "SLSTM",
    "CausalConv",
    "CausalSelfAttention",
    "DeltaNet",
    "GatedLinearAttention",
    "LastStep",
    "Mamba",
    "Mamba2",
    "MinGRU",
    "MinLSTM",
]
