from . import layers as layers
from . import models as models
from . import tasks as tasks
from ._version import __version__ as __version__
from .accuracy import Accuracy as Accuracy
from .engine import forward as forward
from .engine import unroll as unroll
from .engine import variables_of as variables_of
from .errors import BackendError as BackendError
from .errors import InsufficientMemoryError as InsufficientMemoryError
from .errors import MemoryspanError as MemoryspanError
from .errors import ModelError as ModelError
from .errors import RunError as RunError
from .errors import TaskError as TaskError
from .errors import UserCodeError as UserCodeError
from .inference.evaluate import evaluate as evaluate
from .inference.predict import predict as predict
from .inference.trace import Trace as Trace
from .inference.trace import saliency as saliency
from .inference.trace import trace as trace
from .models import delta_net as delta_net
from .models import delta_product as delta_product
from .models import gated_delta_net as gated_delta_net
from .models import gla as gla
from .models import gru as gru
from .models import hawk as hawk
from .models import lru as lru
from .models import lstm as lstm
from .models import mamba as mamba
from .models import mamba2 as mamba2
from .models import min_gru as min_gru
from .models import min_lstm as min_lstm
from .models import mlstm as mlstm
from .models import simple_rnn as simple_rnn
from .models import slstm as slstm
from .models import stack as stack
from .models import tcn as tcn
from .models import transformer as transformer
from .spans.capacity import memory_capacity as memory_capacity
from .spans.held import held_span as held_span
from .tasks import Adding as Adding
from .tasks import Batch as Batch
from .tasks import Copy as Copy
from .tasks import Delay as Delay
from .tasks import Distractors as Distractors
from .tasks import Echo as Echo
from .tasks import EmbeddedReber as EmbeddedReber
from .tasks import Induction as Induction
from .tasks import LongLag as LongLag
from .tasks import Match as Match
from .tasks import Parity as Parity
from .tasks import Recall as Recall
from .tasks import SelectiveCopy as SelectiveCopy
from .tasks import Task as Task
from .tasks import TemporalOrder as TemporalOrder
from .training import Budget as Budget
from .training import Curriculum as Curriculum
from .training import GradientGuard as GradientGuard
from .training import Result as Result
from .training import Status as Status
from .training import StepDecay as StepDecay
from .training import UniformLengths as UniformLengths
from .training import train as train
from .training import train_seeds as train_seeds
from .training.tensorboard import TensorBoard as TensorBoard
from .tutorial import generate_example as generate_example
from .tutorial import generate_sequence as generate_sequence
from .tutorial import one_hot_decode as one_hot_decode
from .tutorial import one_hot_encode as one_hot_encode
from .tutorial import vanilla_lstm as vanilla_lstm

__all__ = [
    "Accuracy",
    "Adding",
    "BackendError",
    "Batch",
    "Budget",
    "Copy",
    "Curriculum",
    "Delay",
    "Distractors",
    "Echo",
    "EmbeddedReber",
    "GradientGuard",
    "Induction",
    "InsufficientMemoryError",
    "LongLag",
    "Match",
    "MemoryspanError",
    "ModelError",
    "Parity",
    "Recall",
    "Result",
    "RunError",
    "SelectiveCopy",
    "Status",
    "StepDecay",
    "Task",
    "TaskError",
    "TemporalOrder",
    "TensorBoard",
    "Trace",
    "UniformLengths",
    "UserCodeError",
    "__version__",
    "delta_net",
    "delta_product",
    "evaluate",
    "forward",
    "gated_delta_net",
    "generate_example",
    "generate_sequence",
    "gla",
    "gru",
    "hawk",
    "held_span",
    "layers",
    "lru",
    "lstm",
    "mamba",
    "mamba2",
    "memory_capacity",
    "min_gru",
    "min_lstm",
    "mlstm",
    "models",
    "one_hot_decode",
    "one_hot_encode",
    "predict",
    "saliency",
    "simple_rnn",
    "slstm",
    "stack",
    "tasks",
    "tcn",
    "trace",
    "train",
    "train_seeds",
    "transformer",
    "unroll",
    "vanilla_lstm",
    "variables_of",
]
