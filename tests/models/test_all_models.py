"""What every builder of the package keeps to, on tasks of every kind."""

# pyright: reportArgumentType=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan import Echo, evaluate, forward, predict, variables_of
from memoryspan.errors import InsufficientMemoryError, TaskError
from memoryspan.models import MODELS, tcn, transformer
from memoryspan.runs.model_file import load_model, save_model
from memoryspan.tasks.adding import Adding
from memoryspan.tasks.delay import Delay
from tests.messages import naming

TASKS = {"a class once": Echo(5, 4, 1), "a class every step": Delay(6), "a number": Adding(6)}

STOCK = {"lstm", "gru", "simple_rnn"}

SMALL = {name: {"units": 3} if name in STOCK else {"units": 4, "layers": 1} for name in MODELS}
"""Few weights, which compile sooner."""

every_model = pytest.mark.parametrize("name", MODELS)
every_task = pytest.mark.parametrize("kind", TASKS)


def small(name, kind="a class once", **settings):
    return MODELS[name](TASKS[kind], **{**SMALL[name], "seed": 0, **settings})


def arrays(model):
    return [np.asarray(variable.value) for variable in model.weights]


def drawn(model):
    """The weights of several dimensions that are drawn at random."""
    found = [weight for weight in model.weights if weight.name not in ("a_log", "scale")]
    kernels = [array for array in map(np.asarray, (weight.value for weight in found)) if array.ndim > 1 and array.any()]
    assert len(kernels) > 1
    return kernels


@pytest.mark.slow
@every_model
@every_task
def test_it_answers_as_often_and_as_widely_as_the_task_asks(name, kind):
    model, task = small(name, kind), TASKS[kind]
    asked = (7,) if task.return_sequences else ()
    assert model.input_shape == (None, None, task.n_features)
    assert model.output_shape == (None, *[None for _ in asked], task.n_outputs)
    assert model.loss == task.loss
    assert jax.jit(model)(np.zeros((2, 7, task.n_features), "float32")).shape == (2, *asked, task.n_outputs)


@pytest.mark.slow
@every_model
@every_task
def test_a_gradient_reaches_every_weight(name, kind):
    model, task = small(name, kind), TASKS[kind]
    fwd, variables = forward(model), variables_of(model)
    batch = task.sample(jax.random.key(0), 4, task.length)

    @jax.jit
    @jax.grad
    def gradient(trainable):
        predictions = fwd.apply(variables._replace(trainable=trainable), batch.inputs, batch.lengths).predictions
        return jnp.tanh(predictions * jnp.arange(1.0, 1 + task.n_outputs)).sum()

    pairs = zip(model.trainable_variables, gradient(variables.trainable), strict=True)
    still = [variable.path for variable, slope in pairs if not (jnp.isfinite(slope).all() and (slope != 0).any())]
    assert still == []


@every_model
def test_rows_of_several_lengths_fit_into_one_batch(name):
    fwd = forward(small(name))
    assert fwd.ragged
    assert fwd.engine == ("unroll" if name in STOCK else "keras")


@pytest.mark.parametrize("name", sorted(STOCK))
@every_task
@pytest.mark.parametrize("settings", [{"layers": 2}, {"bidirectional": True}, {"layers": 2, "bidirectional": True}])
def test_stacks_and_both_directions_of_stock_layers_take_the_fast_path(name, kind, settings):
    model = small(name, kind, **settings)
    assert forward(model).engine == "unroll"
    assert model.output_shape[-1] == TASKS[kind].n_outputs


@every_model
def test_padding_of_a_batch_changes_no_answer(name):
    model, rows = small(name), [[0, 1, 2, 3, 1, 1, 0, 2, 3], [3, 1], [2, 2, 0]]
    alone = [predict(model, row, probabilities=True) for row in rows]
    for one, together in zip(alone, predict(model, rows, probabilities=True), strict=True):
        np.testing.assert_allclose(one, together, rtol=1e-4, atol=1e-5)


@every_model
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(name):
    first, again, other = (small(name, seed=seed) for seed in (7, 7, 8))
    assert all((one == another).all() for one, another in zip(arrays(first), arrays(again), strict=True))
    pairs = zip(drawn(first), drawn(other), strict=True)
    assert [(one != another).any() for one, another in pairs] == [True] * len(drawn(first))


@every_model
def test_without_a_seed_every_model_is_another(name):
    pairs = zip(drawn(small(name, seed=None)), drawn(small(name, seed=None)), strict=True)
    assert all((one != other).any() for one, other in pairs)


@every_model
def test_no_two_kernels_begin_alike(name):
    kernels = drawn(small(name, units=4))
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), [*zip(MODELS, [*TASKS] * len(MODELS), strict=False)])
def test_it_is_measured(name, kind):
    assert evaluate(small(name, kind), TASKS[kind], examples=32).examples == 32


@pytest.mark.slow
@every_model
def test_saved_it_opens_to_the_same_answers(name, tmp_path):
    model, row = small(name), [0, 1, 2, 3]
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    assert again.optimizer.global_clipnorm == 1.0
    np.testing.assert_array_equal(predict(again, row, probabilities=True), predict(model, row, probabilities=True))


@every_model
@every_task
def test_a_model_too_large_for_memory_is_refused_by_its_true_size(name, kind, monkeypatch):
    settings = {**SMALL[name], "layers": 2}
    size = small(name, kind, **settings).count_params()
    monkeypatch.setattr("memoryspan.machine.memory", lambda: 32 * size - 1)
    with pytest.raises(TaskError, match=naming(f"{size:,}", "GiB")):
        small(name, kind, **settings)
    monkeypatch.setattr("memoryspan.machine.memory", lambda: 32 * size)
    small(name, kind, **settings)


@every_model
def test_a_model_that_is_refused_takes_no_memory_then_or_later(name):
    with pytest.raises(InsufficientMemoryError, match=naming("parameters")):
        small(name, units=10**6)  # weights that no machine has room for
    assert small(name).count_params() < 1_000


@every_model
@pytest.mark.parametrize(
    "settings",
    [{"units": 0}, {"units": 2.5}, {"layers": 0}, {"learning_rate": 0}, {"learning_rate": float("nan")}],
)
def test_settings_that_make_no_sense_are_refused(name, settings):
    with pytest.raises(TaskError, match=naming(*settings, *settings.values())):
        small(name, **settings)


@pytest.mark.parametrize(
    ("name", "settings", "allowed"),
    [
        ("lstm", {"bidirectional": "yes"}, [True, False]),
        ("lstm", {"chrono": 2}, [3, "chrono=2000"]),
        ("gru", {"chrono": 9.5}, [3]),
        ("gru", {"chrono": True}, [3]),
        ("lru", {"r_max": 1.5}, ["r_min", 0.9, 1]),
        ("transformer", {"heads": 0}, [1]),
        ("transformer", {"positions": "learned"}, ['"rotary"', '"none"']),
        ("tcn", {"kernel_size": 1}, [2]),
        ("tcn", {"norm": "batch"}, ['"layer"', '"weight"', "norm=layer"]),
    ],
)
def test_settings_of_one_family_are_refused_as_well(name, settings, allowed):
    ((setting, value),) = settings.items()
    with pytest.raises(TaskError, match=naming(setting, repr(value), *allowed)):
        small(name, **settings)


@pytest.mark.parametrize("units", [1, 5, 7])
def test_a_transformer_takes_any_units_with_any_heads(units):
    model = transformer(Echo(5, 4, 1), units=units, heads=3, layers=1)
    assert jax.jit(model)(np.zeros((1, 2, 4), "float32")).shape == (1, 4)


@pytest.mark.parametrize(("length", "kernel_size", "blocks"), [(1, 3, 1), (5, 3, 1), (6, 3, 2), (50, 3, 4), (50, 2, 5)])
def test_a_tcn_sees_all_of_the_task_with_as_few_blocks_as_that_takes(length, kernel_size, blocks):
    model = tcn(Echo(length, 4, 0), units=2, kernel_size=kernel_size)
    assert sum(layer.name.startswith("sum_") for layer in model.layers) == blocks


@pytest.mark.parametrize("norm", ["layer", "weight"])
def test_a_tcn_reads_as_far_back_as_its_receptive_field_and_no_further(norm):
    model, x = tcn(Echo(30, 4, 0), units=8, layers=2, norm=norm, seed=0), np.zeros((1, 30, 4), "float32")
    x[..., 0] = 1
    seen = np.abs(np.asarray(jax.jit(jax.grad(lambda x: model(x)[0, 0]))(x))).sum((0, 2)) > 0
    assert not seen[: 30 - 13].any()
    assert seen[30 - 13]


def test_what_the_blocks_of_a_tcn_add_begins_small_where_nothing_evens_it_out():
    def scale(model, layer):
        directions, gains, _ = model.get_layer(layer).get_weights()
        return np.linalg.norm(gains) / np.linalg.norm(directions)

    model = tcn(Adding(6), units=4, layers=2, norm="weight", seed=0)
    for layer, expected in (("first_1", 1), ("second_1", 0.2), ("first_2", 1), ("second_2", 0.2)):
        assert scale(model, layer) == pytest.approx(expected, rel=1e-4)


def test_a_tcn_of_normalised_weights_is_saved_and_opened(tmp_path):
    model, rows = tcn(Adding(6), units=4, layers=2, norm="weight", seed=0), np.ones((1, 6, 2), "float32")
    save_model(model, tmp_path)
    np.testing.assert_array_equal(load_model(tmp_path)(rows), model(rows))
