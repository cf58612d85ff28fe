"""What every layer of the package keeps to, asked of each of them."""

# pyright: reportArgumentType=false, reportAssignmentType=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.layers import (
    LRU,
    MLSTM,
    RGLRU,
    S4D,
    S5,
    S6,
    SLSTM,
    CausalConv,
    CausalSelfAttention,
    DeltaNet,
    GatedLinearAttention,
    LastStep,
    Mamba,
    Mamba2,
    MinGRU,
    MinLSTM,
)
from memoryspan.layers.causal_self_attention import rotated
from memoryspan.layers.linear_recurrence import parallel_scan, sequential_scan
from memoryspan.layers.s5 import hippo_frequencies
from tests.messages import naming

FEATURES = 3

HEADS = {"heads": 2, "key_size": 3, "value_size": 4}

RECURRENCES = {
    "MinGRU": (MinGRU, {"units": 4}),
    "MinGRU with a short convolution": (MinGRU, {"units": 4, "short_conv": 3}),
    "MinLSTM": (MinLSTM, {"units": 4}),
    "LRU": (LRU, {"units": 4}),
    "S6": (S6, {"state_units": 4}),
    "Mamba": (Mamba, {"state_units": 4}),
    "Mamba with eigenvalues in [-1, 1]": (Mamba, {"state_units": 4, "min_eigenvalue": -1}),
    "Mamba without a short convolution": (Mamba, {"state_units": 4, "short_conv": None}),
    "Mamba2": (Mamba2, {"state_units": 4}),
    "RGLRU": (RGLRU, {"units": 4}),
    "S4D": (S4D, {"state_units": 4}),
    "S5": (S5, {"units": 4}),
    "MLSTM": (MLSTM, HEADS),
    "SLSTM": (SLSTM, {"units": 4}),
    "GatedLinearAttention": (GatedLinearAttention, {**HEADS, "gate_rank": 2}),
    "DeltaNet": (DeltaNet, HEADS),
    "Gated DeltaNet": (DeltaNet, {**HEADS, "gated": True, "min_eigenvalue": -1}),
    "DeltaProduct": (DeltaNet, {**HEADS, "householders": 2, "short_conv": None}),
}

NORMALISED = {"weight_norm": True, "initial_scale": 1.5}

EVERY_STEP = {
    **{name: (of, {**arguments, "return_sequences": True}) for name, (of, arguments) in RECURRENCES.items()},
    "rotary attention": (CausalSelfAttention, {"heads": 2, "head_size": 4}),
    "attention without positions": (CausalSelfAttention, {"heads": 2, "head_size": 2, "positions": "none"}),
    "convolution": (CausalConv, {"filters": 4, "kernel_size": 3, "dilation": 2}),
    "convolution, weights normalised": (CausalConv, {"filters": 4, "kernel_size": 3, "dilation": 2, **NORMALISED}),
}

LAYERS = {
    **EVERY_STEP,
    "last step": (LastStep, {}),
    **{f"{name} at the end": found for name, found in RECURRENCES.items()},
}

every_layer = pytest.mark.parametrize("name", LAYERS)
every_sequence_layer = pytest.mark.parametrize("name", EVERY_STEP)
every_recurrence = pytest.mark.parametrize("name", RECURRENCES)


def made(kind, seed=0, **more):
    return made_of(LAYERS[kind], seed, **more)


def made_of(found, seed=0, **more):
    of, arguments = found
    seeded = {} if of is LastStep else {"seed": seed}
    layer = of(**arguments, **seeded, **more)
    layer.build((None, None, FEATURES))
    return layer


def answers(layer, x, mask=None):
    """As the layer answers, compiled as a whole: quicker than step by step."""
    values = [variable.value for variable in layer.variables]
    return jax.jit(lambda values, x, mask: layer.stateless_call(values, [], x, mask=mask)[0])(values, x, mask)


def drawn(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def up_to(lengths, width):
    return jnp.arange(width) < jnp.asarray(lengths)[:, None]


def arrays(layer):
    return [np.asarray(variable.value) for variable in layer.weights]


@every_layer
def test_the_shape_it_promises_is_the_shape_it_gives(name):
    layer = made(name)
    symbolic = layer(keras.KerasTensor((None, None, FEATURES)))
    found = answers(layer, drawn(2, 5, FEATURES))
    assert len(symbolic.shape) == len(found.shape)
    assert layer.compute_output_shape((2, 5, FEATURES)) == found.shape
    assert symbolic.shape[-1] == found.shape[-1]


@pytest.mark.slow
@every_layer
@pytest.mark.parametrize("padding", [1e6, np.nan])
def test_it_answers_a_padded_row_as_it_answers_the_row_alone(name, padding):
    layer, x, mask = made(name), drawn(2, 7, FEATURES), up_to([2, 5], 7)
    found = answers(layer, jnp.where(mask[..., None], x, padding), mask)
    for row, length in enumerate([2, 5]):
        alone = answers(layer, x[row : row + 1, :length])[0]
        padded = found[row, :length] if found.ndim == 3 else found[row]
        np.testing.assert_allclose(padded, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@every_layer
def test_no_gradient_comes_from_padding(name):
    layer, x, mask = made(name), drawn(2, 6, FEATURES), up_to([2, 6], 6)
    values = [variable.value for variable in layer.trainable_variables]

    def objective(values, x):
        found, _ = layer.stateless_call(values, [], x, mask=mask)
        return (jnp.where(mask[..., None], found, 0) ** 2).sum() if found.ndim == 3 else (found**2).sum()

    of_values, of_x = jax.jit(jax.grad(objective, argnums=(0, 1)))(values, jnp.where(mask[..., None], x, np.nan))
    assert all(jnp.isfinite(gradient).all() and (gradient != 0).any() for gradient in of_values)
    assert (jnp.where(mask[..., None], 0, of_x) == 0).all()


@pytest.mark.slow
@every_sequence_layer
def test_its_gradient_is_the_slope_of_its_answer(name):
    layer, step = made(name), 1e-2
    at = [drawn(2, 5, FEATURES), *(variable.value for variable in layer.trainable_variables)]
    towards = [drawn(*array.shape, seed=number) for number, array in enumerate(at)]

    @jax.jit
    def objective(at):
        return jnp.tanh(layer.stateless_call(at[1:], [], at[0])[0]).sum()

    ahead, behind = (
        objective([array + sign * step * way for array, way in zip(at, towards, strict=True)]) for sign in (1, -1)
    )
    gradient = jax.jit(jax.grad(objective))(at)
    slope = sum(float((one * way).sum()) for one, way in zip(gradient, towards, strict=True))
    assert slope == pytest.approx(float(ahead - behind) / (2 * step), rel=2e-2, abs=2e-2)


@pytest.mark.slow
@every_sequence_layer
def test_what_comes_later_changes_nothing_before(name):
    layer, x = made(name), drawn(2, 6, FEATURES)
    one, other = answers(layer, x), answers(layer, x.at[:, 4:].set(drawn(2, 2, FEATURES, seed=1)))
    np.testing.assert_allclose(one[:, :4], other[:, :4], rtol=1e-5, atol=1e-6)
    assert (one[:, 4:] != other[:, 4:]).any()


@every_layer
def test_it_passes_the_mask_on_while_there_is_time(name):
    layer, mask = made(name), up_to([2, 4], 4)
    passed = layer.compute_mask(drawn(2, 4, FEATURES), mask)
    assert layer.supports_masking
    assert passed is (mask if name in EVERY_STEP else None)


@pytest.mark.slow
@every_layer
def test_saved_in_a_file_it_opens_in_safe_mode_to_the_same_answers(name, tmp_path):
    inputs = keras.Input((None, FEATURES))
    model = keras.Model(inputs, made(name)(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = drawn(2, 5, FEATURES)
    np.testing.assert_array_equal(answers(again, x), answers(model, x))


@every_layer
def test_its_configuration_makes_the_same_layer(name):
    layer = made(name, name="mine")
    again = type(layer).from_config(layer.get_config())
    again.build((None, None, FEATURES))
    assert again.get_config() == layer.get_config()
    assert all((one == other).all() for one, other in zip(arrays(layer), arrays(again), strict=True))


@every_sequence_layer
def test_its_seed_decides_its_weights(name):
    def drawn_anew(one, other):
        pairs = zip(made(name, one).weights, made(name, other).weights, strict=True)
        return {weight.name for weight, same in pairs if (np.asarray(weight) != np.asarray(same)).any()}

    assert drawn_anew(1, 1) == set()
    assert drawn_anew(1, 2) == drawn_anew(None, None) != set()


@pytest.mark.slow
@every_recurrence
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 1, 30]))
def test_all_steps_at_once_are_the_steps_one_by_one(name, seed, scale):
    at_once, one_by_one = at_once_and_one_by_one(name)(scale * drawn(2, 6, FEATURES, seed=seed))
    np.testing.assert_allclose(at_once, one_by_one, rtol=1e-3, atol=1e-4 * scale)


@cache
def at_once_and_one_by_one(name):
    layer = made(name)

    def both(x):
        state, answers = layer.get_initial_state(2), []
        for t in range(x.shape[1]):
            answer, state = layer.step(x[:, t], state)
            answers.append(answer)
        return layer(x), jnp.stack(answers, axis=1)

    return jax.jit(both)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("length", [1, 2, 11])
def test_the_sequential_and_the_parallel_scan_reach_the_same_states(length, parts):
    def draw(seed):
        return tuple(drawn(2, length, 3, seed=seed + part) / 2 for part in range(parts))

    maps, initial = (draw(0), draw(9)), tuple(drawn(2, 3, seed=20 + part) for part in range(parts))
    pairs = zip(jax.jit(sequential_scan)(maps, initial), jax.jit(parallel_scan)(maps, initial), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@every_recurrence
def test_a_masked_step_is_skipped_and_repeats_the_output_before_it(name):
    layer, x = recurrence(name), drawn(2, 6, FEATURES)
    mask = jnp.asarray([[False, True, True, False, True, False], [True, True, False, False, False, True]])
    found = answers(layer, jnp.where(mask[..., None], x, np.nan), mask)
    for row, outputs, shown in zip(x, found, np.asarray(mask), strict=True):
        alone = np.concatenate([np.zeros((1, outputs.shape[-1])), answers(layer, row[None, shown])[0]])
        np.testing.assert_allclose(outputs, alone[np.cumsum(shown)], rtol=1e-4, atol=1e-5)


@every_recurrence
def test_a_sequence_can_be_read_in_two_parts(name):
    layer, x = recurrence(name), drawn(2, 40, FEATURES)

    @jax.jit
    def in_two(x):
        first, state = layer.run(x[:, :37], layer.get_initial_state(2))
        return jnp.concatenate([first, layer(x[:, 37:], initial_state=state)], axis=1)

    np.testing.assert_allclose(in_two(x), answers(layer, x), rtol=1e-4, atol=1e-5)


@every_recurrence
def test_its_state_size_is_that_of_its_state(name):
    layer = recurrence(name)
    assert layer.state_size(7) == sum(part[0].size for part in layer.get_initial_state(2, 7).values())


@pytest.mark.slow
@every_recurrence
def test_its_trace_is_the_state_after_each_step(name):
    layer, x = recurrence(name), drawn(1, 4, FEATURES)
    traced = layer.trace_states(x)
    state = layer.get_initial_state(1)
    for t in range(4):
        _, state = layer.step(x[:, t], state)
        for part in traced.keys() & state.keys():
            np.testing.assert_allclose(traced[part][0, t], np.ravel(state[part]), rtol=1e-4, atol=1e-5)
    assert traced.keys() & state.keys()


@pytest.mark.slow
@every_recurrence
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16"])
def test_in_16_bits_its_outputs_are_near(name, dtype):
    layer, x = recurrence(name), drawn(2, 20, FEATURES)
    other = recurrence(name, dtype=dtype)
    other.set_weights(layer.get_weights())
    exact = answers(layer, x)
    np.testing.assert_allclose(answers(other, x), exact, atol=0.1 * float(jnp.abs(exact).max()))


def recurrence(name, **more):
    return made_of(RECURRENCES[name], return_sequences=True, **more)


def test_a_min_lstm_whose_gates_are_both_shut_still_gives_a_number():
    layer = MinLSTM(2, seed=0)
    layer.build((None, None, FEATURES))
    layer.bias.assign([-1e4] * 4 + [0] * 2)
    assert jnp.isfinite(answers(layer, drawn(1, 3, FEATURES))).all()


def test_an_lru_is_its_papers_equations_in_complex_numbers():
    layer, x = made("LRU"), np.asarray(drawn(1, 6, FEATURES), np.float64)[0]
    nu, theta, gamma, b_re, b_im, c_re, c_im, d = (array.astype(np.float64) for array in arrays(layer))
    eigenvalues, h, expected = np.exp(-np.exp(nu) + 1j * np.exp(theta)), np.zeros(4, complex), []
    for x_t in x:
        h = eigenvalues * h + np.exp(gamma) * (x_t @ (b_re + 1j * b_im))
        expected.append((h @ (c_re + 1j * c_im)).real + d * x_t)
    np.testing.assert_allclose(answers(layer, x[None])[0], expected, rtol=1e-4, atol=1e-5)


def test_an_s4d_is_its_papers_equations_in_complex_numbers():
    layer, x = recurrence("S4D"), np.asarray(drawn(1, 6, FEATURES), np.float64)[0]
    c_re, c_im, log_a_re, a_im, log_delta, d = (array.astype(np.float64) for array in arrays(layer))
    a, delta = -np.exp(log_a_re) + 1j * a_im, np.exp(log_delta)[:, None]
    decay, h, expected = np.exp(a * delta), np.zeros((FEATURES, 4), complex), []
    for x_t in x:
        h = decay * h + (decay - 1) / a * x_t[:, None]
        expected.append(2 * ((c_re + 1j * c_im) * h).sum(1).real + d * x_t)
    np.testing.assert_allclose(answers(layer, x[None])[0], expected, rtol=1e-4, atol=1e-5)


def test_an_s5_begins_with_the_frequencies_of_hippo():
    # Of the 4 x 4 HiPPO-LegS matrix of Gu et al. (arXiv 2008.07669), plus its rank-1 correction.
    n = np.arange(4)
    legs = -np.where(n[:, None] > n, np.sqrt((2 * n[:, None] + 1) * (2 * n + 1)), np.diag(n + 1))
    normal = legs + np.outer(np.sqrt(n + 0.5), np.sqrt(n + 0.5))
    eigenvalues = np.linalg.eigvals(normal)
    np.testing.assert_allclose(eigenvalues.real, -0.5, atol=1e-9)
    np.testing.assert_allclose(hippo_frequencies(2), np.sort(eigenvalues.imag)[2:], rtol=1e-9)


def test_an_slstm_is_its_papers_equations():
    layer = made_of((SLSTM, {"units": 4, "heads": 2, "short_conv": None, "return_sequences": True}))
    layer.recurrent_kernel.assign(drawn(2, 2, 8, seed=3))
    kernel, recurrent, bias, scale = (array.astype(np.float64) for array in arrays(layer))
    x, (h, c, n), expected = np.asarray(drawn(1, 6, FEATURES), np.float64)[0], np.zeros((3, 4)), []
    for x_t in x:
        by_head = np.stack([h[2 * head : 2 * head + 2] @ recurrent[head] for head in range(2)]).reshape(2, 4, 2)
        raw = (x_t @ kernel + bias).reshape(4, 4) + by_head.transpose(1, 0, 2).reshape(4, 4)
        i, f, z, o = np.exp(raw[0]), 1 / (1 + np.exp(-raw[1])), np.tanh(raw[2]), 1 / (1 + np.exp(-raw[3]))
        c, n = f * c + i * z, f * n + i
        h = o * c / n
        heads = h.reshape(2, 2)
        expected.append(((heads - heads.mean(1, keepdims=True)) / np.sqrt(heads.var(1, keepdims=True) + 1e-5)).ravel())
    np.testing.assert_allclose(answers(layer, x[None])[0], scale * expected, rtol=1e-3, atol=1e-4)


def test_an_lru_begins_between_its_radii():
    layer = LRU(200, r_min=0.5, r_max=0.8, seed=0)
    layer.build((None, None, FEATURES))
    radius = np.exp(-np.exp(arrays(layer)[0]))
    assert 0.5 <= radius.min() < 0.55
    assert 0.75 < radius.max() <= 0.8


@pytest.mark.parametrize(("kernel_size", "dilation"), [(1, 1), (2, 3), (3, 1), (3, 4)])
def test_a_convolution_is_keras_causal_one(kernel_size, dilation):
    ours = CausalConv(4, kernel_size, dilation=dilation, seed=0)
    theirs = keras.layers.Conv1D(4, kernel_size, padding="causal", dilation_rate=dilation, activation="relu")
    x = drawn(2, 7, FEATURES)
    theirs.build(x.shape)
    ours.build(x.shape)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(answers(ours, x), theirs(x), rtol=1e-4, atol=1e-5)


def test_normalised_weights_begin_as_the_others_times_a_scale():
    x, normalised, plain = drawn(2, 7, FEATURES), made("convolution, weights normalised"), made("convolution")
    assert answers(plain, x).any()
    np.testing.assert_allclose(answers(normalised, x), 1.5 * answers(plain, x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("longer", [0.01, 3.0, 100.0])
def test_of_normalised_weights_only_the_direction_and_the_gain_count(longer):
    layer, x = made("convolution, weights normalised"), drawn(2, 5, FEATURES)
    before = answers(layer, x)
    directions, gains, bias = arrays(layer)
    layer.set_weights([longer * directions, gains, bias])
    np.testing.assert_allclose(answers(layer, x), before, rtol=1e-4, atol=1e-6)
    layer.set_weights([directions, longer * gains, bias])
    np.testing.assert_allclose(answers(layer, x), longer * before, rtol=1e-4, atol=1e-6)


def test_attention_is_keras_attention_with_the_first_key_and_value_in_front():
    layer, x = made("attention without positions"), drawn(2, 5, FEATURES)
    kernel, first, output_kernel = arrays(layer)
    projected = (x @ kernel).reshape(2, 5, 3, 2, 2)
    query, key, value = (projected[:, :, part] for part in range(3))
    front = jnp.broadcast_to(first[None].transpose(1, 0, 3, 2, 4), (2, 2, 1, 2, 2))  # key or value, row, step, head
    key, value = (jnp.concatenate([one, rest], axis=1) for one, rest in zip(front, (key, value), strict=True))
    seen = jnp.tril(jnp.ones((5, 6), bool), 1)[None, None]
    heads = jnp.asarray(keras.ops.dot_product_attention(query, key, value, mask=seen))
    expected = heads.reshape(2, 5, 4) @ output_kernel
    np.testing.assert_allclose(answers(layer, x), expected, rtol=1e-4, atol=1e-5)


@given(query=st.integers(0, 500), key=st.integers(0, 500), further=st.integers(0, 500))
def test_rotary_scores_depend_on_the_distance_alone(query, key, further):
    q, k = np.asarray(drawn(2, 8))

    def score(shift):
        turned = (rotated(x.reshape(1, 1, 1, 8), range(at + shift, at + shift + 1)) for x, at in ((q, query), (k, key)))
        return float((next(turned) * next(turned)).sum())

    assert score(further) == pytest.approx(score(0), abs=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MinGRU(0), ["units", 0, 1]),
        (lambda: MinGRU(2, short_conv=0), ["short_conv", 0, None]),
        (lambda: Mamba(expand=0), ["expand", 0, 1]),
        (lambda: Mamba(min_eigenvalue=-2), ["min_eigenvalue", -2, -1]),
        (lambda: S6(state_units=0), ["state_units", 0, 1]),
        (lambda: SLSTM(3, heads=2), ["units", 3, "heads=2", "units=2"]),
        (lambda: DeltaNet(householders=0), ["householders", 0, 1]),
        (lambda: DeltaNet(heads=0), ["heads", 0, 1]),
        (lambda: DeltaNet(gated=1), ["gated", True, False]),
        (lambda: GatedLinearAttention(gate_rank=0), ["gate_rank", 0, 1]),
        (lambda: LRU(2, r_min=0.9, r_max=0.5), ["r_min", "r_max", 0.9, 0.5]),
        (lambda: CausalSelfAttention(2, 3), ["head_size", 3, "head_size=4"]),
        (lambda: CausalSelfAttention(2, 4, positions="learned"), ["positions", "'learned'", '"rotary"', '"none"']),
        (lambda: CausalConv(2, 0), ["kernel_size", 0, 1]),
        (lambda: CausalConv(2, 3, initial_scale=0), ["initial_scale", 0]),
        (lambda: CausalConv(2, 3, weight_norm="no"), ["weight_norm", "'no'", True, False]),
    ],
)
def test_arguments_that_make_no_sense_are_refused(make, words):
    with pytest.raises(TaskError, match=naming(*words)):
        make()
