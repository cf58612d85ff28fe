from .attention import transformer as transformer
from .convolutional import tcn as tcn
from .linear_recurrent import lru as lru
from .minimal import min_gru as min_gru
from .minimal import min_lstm as min_lstm
from .recurrent import gru as gru
from .recurrent import lstm as lstm
from .recurrent import simple_rnn as simple_rnn
from .registry import MODELS as MODELS
from .registry import make_model as make_model
from .registry import model_named as model_named
from .registry import resolve_units as resolve_units
from .registry import with_defaults as with_defaults
from .stacks import delta_net as delta_net
from .stacks import delta_product as delta_product
from .stacks import gated_delta_net as gated_delta_net
from .stacks import gla as gla
from .stacks import hawk as hawk
from .stacks import mamba as mamba
from .stacks import mamba2 as mamba2
from .stacks import mlstm as mlstm
from .stacks import slstm as slstm
from .stacks import stack as stack

__all__ = [
    "MODELS",
    "delta_net",
    "delta_product",
    "gated_delta_net",
    "gla",
    "gru",
    "hawk",
    "lru",
    "lstm",
    "make_model",
    "mamba",
    "mamba2",
    "min_gru",
    "min_lstm",
    "mlstm",
    "model_named",
    "resolve_units",
    "simple_rnn",
    "slstm",
    "stack",
    "tcn",
    "transformer",
    "with_defaults",
]
