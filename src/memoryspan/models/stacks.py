"""Models of one build: a residual stack of layers that mix time steps, each with a paper of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, Signature, signature
from typing import Any

from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.layers import MLSTM, RGLRU, SLSTM, CausalSelfAttention, DeltaNet, GatedLinearAttention, Mamba, Mamba2
from memoryspan.layers.initializers import generator, layer_seed
from memoryspan.models.finalize import compiled, deferred_weights, require_trainable, with_head
from memoryspan.tasks import Task, require_task
from memoryspan.validate import checked, shown, whole_number

LAYERS = keras.layers


@dataclass(frozen=True)
class Mixer:
    """A layer that mixes time steps, with the settings in which a model has it."""

    layer: type[keras.Layer]
    paper: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    sized: Callable[[int], Mapping[str, Any]] = lambda units: {}
    """The settings that follow from the units of the stack."""

    def made(self, units: int, seed: int, name: str, settings: Mapping[str, Any]) -> keras.Layer:
        """Return the layer for a stack of this width."""
        everything = {**self.sized(units), **self.settings, **settings}
        if "return_sequences" in _parameters(self.layer):
            everything["return_sequences"] = True
        return self.layer(**everything, seed=seed, name=name)

    @property
    def parameters(self) -> list[Parameter]:
        """The settings that a person may choose, with the defaults of this mixer."""
        return [
            each.replace(default=self.settings.get(name, each.default), kind=Parameter.KEYWORD_ONLY)
            for name, each in _parameters(self.layer).items()
            if each.default is not Parameter.empty and name not in ("return_sequences", "seed")
        ]


def _parameters(layer: type) -> dict[str, Parameter]:
    """The arguments of a layer's constructor, those that it hands on to its base classes included."""
    found: dict[str, Parameter] = {}
    for cls in layer.__mro__:
        if cls is keras.layers.Layer:
            break
        if "__init__" in vars(cls):
            own = signature(vars(cls)["__init__"]).parameters.values()
            found = {**{each.name: each for each in own if each.kind is Parameter.KEYWORD_ONLY}, **found}
    return found


SETTINGS = """\
`units` is the width of the stack, and `layers` its mixers. With `feed_forward` a SwiGLU follows each mixer (Shazeer,
arXiv 2002.05202), that many times as wide as the stack. `learning_rate` is Adam's, and `global_clipnorm` the largest
norm of a gradient. `seed` decides the initial weights. The other settings are those of"""
"""What the settings of every stack are, for its docstring."""


def residual_stack(
    name: str, mixer: Mixer, *, units: int = 28, layers: int = 2, learning_rate: float = 8e-3
) -> Callable[..., keras.Model]:
    """Return the builder of a model: x ← x + mixer(norm(x)), `layers` times, between two dense layers.

    Its settings are those of the stack and of the mixer, with these defaults.
    """
    defaults = {
        "units": units,
        "layers": layers,
        "feed_forward": 0,
        "learning_rate": learning_rate,
        "global_clipnorm": 1.0,
        "seed": None,
    }

    def build(task: Task, **settings) -> keras.Model:
        own = {name: settings.pop(name, default) for name, default in defaults.items()}
        return _stacked(name, task, [(mixer, settings)], **own)

    own = [Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, default in defaults.items()]
    task = Parameter("task", Parameter.POSITIONAL_OR_KEYWORD)
    build.__name__ = build.__qualname__ = name
    build.__signature__ = Signature([task, *own[:2], *mixer.parameters, *own[2:]])  # pyright: ignore[reportFunctionMemberAccess]
    build.__doc__ = (
        f"Layers of {mixer.layer.__name__} in a residual stack between two dense layers, compiled.\n\n"
        f"{mixer.paper}.\n{SETTINGS} `memoryspan.layers.{mixer.layer.__name__}`."
    )
    return checked(build)


MAMBA = Mixer(Mamba, 'Gu & Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (arXiv 2312.00752)')
MAMBA2 = Mixer(Mamba2, 'Dao & Gu, "Transformers are SSMs" (arXiv 2405.21060)')
RG_LRU = Mixer(
    RGLRU,
    'De et al., "Griffin: Mixing Gated Linear Recurrences with Local Attention" (arXiv 2402.19427)',
    sized=lambda units: {"units": units},
)
M_LSTM = Mixer(MLSTM, 'Beck et al., "xLSTM: Extended Long Short-Term Memory" (arXiv 2405.04517)')
S_LSTM = Mixer(
    SLSTM,
    'Beck et al., "xLSTM: Extended Long Short-Term Memory" (arXiv 2405.04517)',
    {"heads": 1},
    lambda units: {"units": units},
)
GLA = Mixer(GatedLinearAttention, 'Yang et al., "Gated Linear Attention Transformers" (arXiv 2312.06635)')
DELTA_NET = Mixer(DeltaNet, 'Yang et al., "Parallelizing Linear Transformers with the Delta Rule" (arXiv 2406.06484)')
GATED_DELTA_NET = Mixer(
    DeltaNet,
    'Yang et al., "Gated Delta Networks: Improving Mamba2 with Delta Rule" (arXiv 2412.06464)',
    {"gated": True},
)
DELTA_PRODUCT = Mixer(
    DeltaNet,
    'Siems et al., "DeltaProduct" (arXiv 2502.10297)',
    {"gated": True, "householders": 2, "min_eigenvalue": -1},
)
ATTENTION = Mixer(
    CausalSelfAttention,
    'Vaswani et al., "Attention Is All You Need" (arXiv 1706.03762)',
    {"heads": 2},
    lambda units: {"head_size": 2 * -(-units // 4)},
)

mamba = residual_stack("mamba", MAMBA, units=20)
mamba2 = residual_stack("mamba2", MAMBA2, units=24)
hawk = residual_stack("hawk", RG_LRU)
mlstm = residual_stack("mlstm", M_LSTM)
slstm = residual_stack("slstm", S_LSTM)
gla = residual_stack("gla", GLA)
delta_net = residual_stack("delta_net", DELTA_NET)
gated_delta_net = residual_stack("gated_delta_net", GATED_DELTA_NET)
delta_product = residual_stack("delta_product", DELTA_PRODUCT)

MIXERS = {
    "mamba": MAMBA,
    "mamba2": MAMBA2,
    "rg_lru": RG_LRU,
    "mlstm": M_LSTM,
    "slstm": S_LSTM,
    "gla": GLA,
    "delta_net": DELTA_NET,
    "gated_delta_net": GATED_DELTA_NET,
    "delta_product": DELTA_PRODUCT,
    "attention": ATTENTION,
}
"""What `stack` combines, by name."""


@checked
def stack(
    task: Task,
    *,
    mixers: str = "mamba+attention",
    units: int = 24,
    layers: int = 2,
    feed_forward: int = 0,
    learning_rate: float = 8e-3,
    global_clipnorm: float = 1.0,
    seed: int | None = None,
) -> keras.Model:
    """Layers of different kinds, in turn, in one residual stack: a hybrid.

    Args:
        task: what to learn.
        mixers: names of `MIXERS` joined by +, each with its default settings: `mamba+attention` has a Mamba layer, then
            an attention, then a Mamba layer again.
        units: the width of the stack.
        layers: mixers in all.
        feed_forward: the width of a SwiGLU after each mixer, in multiples of the units; 0 for none.
        learning_rate: of Adam.
        global_clipnorm: the greatest norm of a gradient.
        seed: seed of the initial weights; with None they differ each time.

    Raises:
        TaskError: a setting makes no sense, or the model does not fit into memory.
    """
    names = mixers.split("+") if isinstance(mixers, str) else [mixers]
    if not all(isinstance(name, str) and name in MIXERS for name in names):
        raise TaskError(
            f"mixers must be names out of {', '.join(MIXERS)} joined by +, got {shown(mixers)}: use "
            f"mixers=mamba+attention."
        )
    return _stacked(
        "stack",
        task,
        [(MIXERS[name], {}) for name in names],
        units=units,
        layers=layers,
        feed_forward=feed_forward,
        learning_rate=learning_rate,
        global_clipnorm=global_clipnorm,
        seed=seed,
    )


def _stacked(
    name: str,
    task: Task,
    mixers: list[tuple[Mixer, Mapping[str, Any]]],
    *,
    units: int,
    layers: int,
    feed_forward: int,
    learning_rate: float,
    global_clipnorm: float,
    seed: int | None,
) -> keras.Model:
    require_task(task)
    whole_number("units", units, at_least=1, instead="28, for example")
    whole_number("layers", layers, at_least=1, instead="2, for example")
    whole_number("feed_forward", feed_forward, at_least=0, instead="2, or 0 for none")
    rng = generator(seed)
    with deferred_weights():
        inputs = keras.Input((None, task.n_features))
        x = LAYERS.Dense(units, kernel_initializer="zeros", name="encoder")(inputs)
        for number in range(1, layers + 1):
            mixer, settings = mixers[(number - 1) % len(mixers)]
            y = LAYERS.LayerNormalization(name=f"norm_{number}")(x)
            y = mixer.made(units, layer_seed(rng), f"mixer_{number}", settings)(y)
            x = LAYERS.Add(name=f"sum_{number}")([x, y])
            if feed_forward:
                y = _swiglu(LAYERS.LayerNormalization(name=f"feed_forward_norm_{number}")(x), feed_forward, number)
                x = LAYERS.Add(name=f"feed_forward_sum_{number}")([x, y])
        x = LAYERS.LayerNormalization(name="norm")(x)
        model = with_head(task, inputs, x, name)
        require_trainable(model, learning_rate)
    return compiled(model, task, rng, learning_rate=learning_rate, global_clipnorm=global_clipnorm)


def _swiglu(x: keras.KerasTensor, wider: int, number: int) -> keras.KerasTensor:
    """(SiLU(x U) ⊙ x V) W (Shazeer, arXiv 2002.05202, equation 6)."""
    units = x.shape[-1]
    gate = LAYERS.Dense(wider * units, "silu", kernel_initializer="zeros", use_bias=False, name=f"gate_{number}")(x)
    value = LAYERS.Dense(wider * units, kernel_initializer="zeros", use_bias=False, name=f"value_{number}")(x)
    y = LAYERS.Multiply(name=f"gated_{number}")([gate, value])
    return LAYERS.Dense(units, kernel_initializer="zeros", use_bias=False, name=f"narrow_{number}")(y)
