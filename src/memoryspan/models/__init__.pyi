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

__all__ = [
    "MODELS",
    "gru",
    "lru",
    "lstm",
    "make_model",
    "min_gru",
    "min_lstm",
    "model_named",
    "resolve_units",
    "simple_rnn",
    "tcn",
    "transformer",
    "with_defaults",
]
