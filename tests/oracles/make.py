"""Run the authors' code of each layer once, and keep what it computed in `tests/oracles/LAYER.npz`.

    pip install -r tests/oracles/requirements.txt  # in an environment of its own
    python tests/oracles/make.py [LAYER ...]

A file holds the arguments of our layer, its weights by name, an input `x`, the output `y` of the reference, and for a
cotangent `dy` the gradients of sum(y · dy). The tests of the layers read them, so that they need no PyTorch. Weights
that the reference stores in another layout are transposed here, and nowhere else.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent

BATCH, TIME, FEATURES = 2, 37, 6
"""Small, and with a number of steps that is a multiple of no segment."""


@dataclass(frozen=True)
class Reference:
    """The authors' module with its weights under our names, and what it is."""

    source: str
    """Package and version, or repository and commit."""
    arguments: dict[str, Any]
    """Arguments of our layer."""
    weights: dict[str, tuple[Any, Callable[..., Any]]]
    """By our name: the parameter, or several, and what makes our layout of it."""
    call: Callable[[torch.Tensor], torch.Tensor]
    features: int = FEATURES


REFERENCES: dict[str, Callable[[], Reference]] = {}


def reference(make: Callable[[], Reference]) -> Callable[[], Reference]:
    """Enter a reference under the name of our layer, or a variant of it, like Mamba or DeltaNet_gated."""
    REFERENCES[make.__name__] = make
    return make


def package(name: str) -> str:
    """Return a package with its version."""
    return f"{name} {version(name)}"


def same(x: Any) -> Any:
    """Return the array in the layout that it has."""
    return x


def transposed(x: Any) -> Any:
    """Return the kernel of a PyTorch linear layer as Keras has it, (inputs, outputs)."""
    return x.T


def depthwise(x: Any) -> Any:
    """Return the kernel of a depthwise PyTorch convolution, (features, 1, steps), as (steps, features)."""
    return x[:, 0].T


@reference
def Mamba() -> Reference:  # noqa: N802  (the name of the layer)
    from mambapy.mamba import MambaBlock, MambaConfig

    block = MambaBlock(MambaConfig(d_model=FEATURES, n_layers=1, d_state=4, expand_factor=2, pscan=False))
    return Reference(
        package("mambapy"),
        {"state_units": 4, "expand": 2},
        {
            "kernel": (block.in_proj.weight, transposed),
            "short_conv_kernel": (block.conv1d.weight, depthwise),
            "short_conv_bias": (block.conv1d.bias, same),
            "s6/kernel": (block.x_proj.weight, transposed),
            "s6/delta_kernel": (block.dt_proj.weight, transposed),
            "s6/delta_bias": (block.dt_proj.bias, same),
            "s6/a_log": (block.A_log, same),
            "s6/d": (block.D, same),
            "output_kernel": (block.out_proj.weight, transposed),
        },
        block,
    )


@reference
def DeltaNet_gated() -> Reference:  # noqa: N802
    from transformers.models.qwen3_next.configuration_qwen3_next import Qwen3NextConfig
    from transformers.models.qwen3_next.modeling_qwen3_next import Qwen3NextGatedDeltaNet

    heads, key, value = 2, 3, 4
    config = Qwen3NextConfig(
        hidden_size=FEATURES,
        num_hidden_layers=1,
        layer_types=["linear_attention"],
        linear_num_key_heads=heads,
        linear_num_value_heads=heads,
        linear_key_head_dim=key,
        linear_value_head_dim=value,
        rms_norm_eps=1e-5,
    )
    layer = Qwen3NextGatedDeltaNet(config, 0)

    def part(start: int, stop: int) -> Callable[[Any], Any]:
        """Queries, keys, values and gates lie head by head there."""
        return lambda x: x.reshape(heads, 2 * key + 2 * value, FEATURES)[:, start:stop].reshape(-1, FEATURES).T

    q, k, v = part(0, key), part(key, 2 * key), part(2 * key, 2 * key + value)
    return Reference(
        package("transformers") + ", Qwen3NextGatedDeltaNet",
        {"gated": True, "heads": heads, "key_size": key, "value_size": value},
        {
            "kernel": (layer.in_proj_qkvz.weight, lambda x: torch.cat([q(x), k(x), v(x)], dim=1)),
            "gate_kernel": (layer.in_proj_qkvz.weight, part(2 * key + value, 2 * key + 2 * value)),
            "beta_kernel": (layer.in_proj_ba.weight, lambda x: x.reshape(heads, 2, FEATURES)[:, 0].T),
            "decay_kernel": (layer.in_proj_ba.weight, lambda x: x.reshape(heads, 2, FEATURES)[:, 1].T),
            "decay_bias": (layer.dt_bias, same),
            "a_log": (layer.A_log, same),
            "short_conv_kernel": (layer.conv1d.weight, depthwise),
            "scale": (layer.norm.weight, same),
            "output_kernel": (layer.out_proj.weight, transposed),
        },
        layer,
    )


@reference
def Mamba2() -> Reference:  # noqa: N802
    from transformers.models.mamba2.configuration_mamba2 import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    heads, state, inner = 3, 4, 2 * FEATURES
    config = Mamba2Config(
        hidden_size=FEATURES,
        num_hidden_layers=1,
        state_size=state,
        num_heads=heads,
        head_dim=inner // heads,
        n_groups=1,
        expand=2,
        chunk_size=8,
        layer_norm_epsilon=1e-5,
        use_bias=False,
    )
    mixer = Mamba2Mixer(config, 0)
    return Reference(
        package("transformers") + ", Mamba2Mixer",
        {"state_units": state, "expand": 2, "heads": heads},
        {
            # There: gate, x, B, C, Δ; and x, B, C in the convolution. So it is here.
            "kernel": (mixer.in_proj.weight, transposed),
            "short_conv_kernel": (mixer.conv1d.weight, depthwise),
            "short_conv_bias": (mixer.conv1d.bias, same),
            "delta_bias": (mixer.dt_bias, same),
            "a_log": (mixer.A_log, same),
            "d": (mixer.D, same),
            "scale": (mixer.norm.weight, same),
            "output_kernel": (mixer.out_proj.weight, transposed),
        },
        mixer,
    )


@reference
def RGLRU() -> Reference:  # noqa: N802
    from transformers.models.recurrent_gemma.configuration_recurrent_gemma import RecurrentGemmaConfig
    from transformers.models.recurrent_gemma.modeling_recurrent_gemma import RecurrentGemmaRecurrentBlock

    units = 5
    config = RecurrentGemmaConfig(hidden_size=FEATURES, lru_width=units, num_attention_heads=1, num_hidden_layers=1)
    block = RecurrentGemmaRecurrentBlock(config, 0)
    gates = block.rg_lru
    with torch.no_grad():
        for parameter in gates.parameters():  # empty there, until a whole model draws them
            parameter.normal_()
    later = torch.arange(1, TIME + 1)[None].expand(BATCH, -1)  # step 0 of a document resets the state there

    def side_by_side(of_input: Any, of_recurrence: Any) -> Any:
        return torch.cat([of_recurrence, of_input], dim=-1).squeeze(0)

    return Reference(
        package("transformers") + ", RecurrentGemmaRecurrentBlock",
        {"units": units},
        {
            "kernel": (block.linear_x.weight, transposed),
            "bias": (block.linear_x.bias, same),
            "gelu_kernel": (block.linear_y.weight, transposed),
            "gelu_bias": (block.linear_y.bias, same),
            "short_conv_kernel": (block.conv_1d.weight, depthwise),
            "short_conv_bias": (block.conv_1d.bias, same),
            "gates_kernel": ((gates.input_gate_weight, gates.recurrent_gate_weight), side_by_side),
            "gates_bias": ((gates.input_gate_bias, gates.recurrent_gate_bias), side_by_side),
            "lambda_raw": (gates.recurrent_param, same),
            "output_kernel": (block.linear_out.weight, transposed),
            "output_bias": (block.linear_out.bias, same),
        },
        lambda x: block(x, later, None, use_cache=False)[0],
    )


@reference
def MLSTM() -> Reference:  # noqa: N802
    from transformers.models.xlstm.configuration_xlstm import xLSTMConfig
    from transformers.models.xlstm.modeling_xlstm import xLSTMLayer

    heads, key, value = 2, 3, 3
    config = xLSTMConfig(
        hidden_size=FEATURES,
        num_heads=heads,
        num_hidden_layers=1,
        qk_dim_factor=1.0,
        v_dim_factor=1.0,
        mode="inference",
        chunk_size=8,
        norm_eps=1e-6,
        eps=1e-6,
    )
    layer = xLSTMLayer(config)
    with torch.no_grad():
        layer.igate_preact.bias.normal_()
        layer.fgate_preact.bias.normal_(mean=2)
    return Reference(
        package("transformers") + ", xLSTMLayer",
        {"heads": heads, "key_size": key, "value_size": value},
        {
            "kernel": ((layer.q.weight, layer.k.weight, layer.v.weight), lambda *parts: torch.cat(parts).T),
            "gate_kernel": (layer.ogate_preact.weight, transposed),
            "input_kernel": (layer.igate_preact.weight, transposed),
            "input_bias": (layer.igate_preact.bias, same),
            "forget_kernel": (layer.fgate_preact.weight, transposed),
            "forget_bias": (layer.fgate_preact.bias, same),
            "scale": (layer.multihead_norm.weight, lambda x: x.reshape(heads, value)),
            "output_kernel": (layer.out_proj.weight, transposed),
        },
        lambda x: layer(x)[0],
    )


@reference
def S5() -> Reference:  # noqa: N802
    import s5

    units = 4
    layer = s5.S5(FEATURES, units, bcInit="dense")
    ssm = layer.seq

    def parts(name: str, parameter: Any, layout: Callable[[Any], Any]) -> dict[str, tuple[Any, Callable[..., Any]]]:
        layouts = {f"{name}_re": lambda x: layout(x).real, f"{name}_im": lambda x: layout(x).imag}
        return {part: (parameter, as_ours) for part, as_ours in layouts.items()}

    return Reference(
        package("s5-pytorch"),
        {"units": units},
        {
            **parts("lambda", ssm.Lambda, same),
            # B is stored in two parts there.
            "b_re": (ssm.B, lambda x: x[..., 0].T),
            "b_im": (ssm.B, lambda x: x[..., 1].T),
            **parts("c", ssm.C, transposed),
            "d": (ssm.D, same),
            "log_delta": (ssm.log_step, lambda x: x.reshape(units)),
        },
        layer,
    )


def compute(made: Reference) -> dict[str, np.ndarray]:
    """Return the arrays of a file."""
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(BATCH, TIME, made.features)), dtype=torch.float32, requires_grad=True)
    y = made.call(x)
    dy = torch.tensor(rng.normal(size=y.shape), dtype=torch.float32)
    (y * dy).sum().backward()
    about = {"source": made.source, "torch": torch.__version__, "arguments": made.arguments}
    arrays = {"about": np.array(json.dumps(about)), "x": x, "y": y, "dy": dy, "gradient/x": x.grad}
    for name, (found, layout) in made.weights.items():
        parameters = found if isinstance(found, tuple) else (found,)
        arrays[f"weight/{name}"] = layout(*parameters)
        arrays[f"gradient/{name}"] = layout(*(each.grad for each in parameters))
    return {name: one.detach().numpy() if isinstance(one, torch.Tensor) else one for name, one in arrays.items()}


def main(names: list[str]) -> None:
    """Write the files of these layers, or of all."""
    for name in names or REFERENCES:
        torch.manual_seed(0)
        np.savez_compressed(HERE / f"{name}.npz", **compute(REFERENCES[name]()))
        print(f"{name}.npz: {(HERE / f'{name}.npz').stat().st_size / 1024:.1f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
