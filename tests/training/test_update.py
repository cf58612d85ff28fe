"""The compiled update beside Keras's own `train_on_batch`, and the steps that it does not take."""

# pyright: reportArgumentType=false, reportOptionalOperand=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan import Curriculum, Echo, GradientGuard, StepDecay
from memoryspan.backend import keras
from memoryspan.engine import forward, variables_of
from memoryspan.sampling import stream
from memoryspan.training.compile import MIN_ROWS, compile_train_step, cores_for
from memoryspan.training.config import TrainConfig
from memoryspan.training.problem import Problem
from memoryspan.training.state import initial_state

LAYERS, OPTIMIZERS = keras.layers, keras.optimizers
FIXED = Echo(5, 6, 4)
"""Its shortest length is its longest: a curriculum has nothing to do."""
BATCH_SIZE = 4
KEY = stream(0, 0)


def make(optimizer, loss="categorical_crossentropy", *behind):
    model = keras.Sequential(
        [
            keras.Input((None, FIXED.n_features)),
            LAYERS.LSTM(
                5,
                kernel_initializer=keras.initializers.GlorotUniform(1),
                recurrent_initializer=keras.initializers.Orthogonal(seed=2),
                kernel_regularizer="l2",
            ),
            *behind,
            LAYERS.Dense(FIXED.n_outputs, "softmax", kernel_initializer=keras.initializers.GlorotUniform(3)),
        ]
    )
    model.compile(optimizer, loss)
    return model


def compiled(model, task=FIXED, batch_size=BATCH_SIZE, schedule=Curriculum()):  # noqa: B008 (it is frozen)
    """chunk(updates, state), ready to run; without a state, from the beginning."""
    first = initial_state(model, schedule.start(task.min_length, task.length))
    config = TrainConfig(batch_size=batch_size, schedule=schedule)
    problem = Problem(model, forward(model, training=True), task, config)
    program = compile_train_step(problem, task.length, [first], [KEY])
    return lambda updates, state=first: program([state], [KEY], [updates], [task.length])[0]


def batch_of_update(number, batch_size=BATCH_SIZE):
    """The examples that an update draws."""
    _, for_batch = jax.random.split(jax.random.fold_in(KEY, number))
    batch = FIXED.sample(for_batch, batch_size, FIXED.length)
    eye = np.eye(FIXED.n_features, dtype="float32")
    return eye[batch.inputs], eye[batch.targets]


def assert_same_bits(these, others):
    jax.tree.map(np.testing.assert_array_equal, these, others)


def all_finite(state):
    return all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves((state.variables, state.optimizer)))


# Beside Keras

MADE_BY_KERAS = {
    "sgd": partial(OPTIMIZERS.SGD, 0.5),
    "momentum, clipped": partial(OPTIMIZERS.SGD, 0.5, momentum=0.9, nesterov=True, global_clipnorm=0.3),
    "adam, clipped": partial(OPTIMIZERS.Adam, 0.01, global_clipnorm=0.3),
    "decayed, averaged, on a schedule": partial(
        OPTIMIZERS.AdamW, OPTIMIZERS.schedules.ExponentialDecay(0.02, 2, 0.5), use_ema=True, ema_momentum=0.5
    ),
}


@pytest.mark.parametrize("name", MADE_BY_KERAS)
def test_updates_at_a_fixed_length_are_those_of_train_on_batch(name):
    ours, theirs = make(MADE_BY_KERAS[name]()), make(MADE_BY_KERAS[name]())
    state, totals = compiled(ours)(6)
    losses = [theirs.train_on_batch(*batch_of_update(number)) for number in range(6)]
    for found, expected in zip(state.variables.trainable, theirs.trainable_variables, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    for found, expected in zip(state.optimizer, theirs.optimizer.variables, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
    assert float(totals.loss) / 6 == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.mark.skipif(jax.device_count() == 1, reason="there is one core")
@pytest.mark.parametrize(("reduction", "cores"), [("sum_over_batch_size", 2), ("sum", 1)])
def test_a_large_batch_is_split_over_cores_where_that_changes_nothing(reduction, cores, monkeypatch):
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "off")
    rows = 2 * MIN_ROWS
    loss = keras.losses.CategoricalCrossentropy(reduction=reduction)
    ours, theirs = (make(OPTIMIZERS.SGD(0.01, momentum=0.9), loss) for _ in range(2))
    state, totals = compiled(ours, batch_size=rows)(6)
    losses = [theirs.train_on_batch(*batch_of_update(number, rows)) for number in range(6)]
    for found, expected in zip(state.variables.trainable, theirs.trainable_variables, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert float(totals.loss) / 6 == pytest.approx(np.mean(losses), rel=1e-4)
    assert int(totals.tokens) == 6 * rows * FIXED.length
    assert cores_for(ours, forward(ours), rows) == cores


def test_cores_share_a_batch_equally_or_not_at_all():
    model = make("sgd")

    @given(st.integers(1, 4000))
    def holds(batch_size):
        cores = cores_for(model, forward(model), batch_size)
        assert 1 <= cores <= jax.device_count()
        assert cores == 1 or (batch_size % cores == 0 and batch_size // cores >= MIN_ROWS)

    holds()


def test_totals_count_tokens_and_right_answers():
    model = make(MADE_BY_KERAS["sgd"]())
    X, y = batch_of_update(0)
    _, totals = compiled(model)(1)
    right = model.predict(X, verbose=0).argmax(-1) == y.argmax(-1)
    assert float(totals.accuracy) == pytest.approx(right.mean())
    assert int(totals.tokens) == BATCH_SIZE * FIXED.length


# A pure function of the state


def test_where_a_chunk_ends_changes_no_bit():
    run = compiled(make("adam"), Echo(8, 6, 1))
    at_once, _ = run(5)
    in_parts, _ = run(1)
    for updates in (0, 3, 1):
        in_parts, _ = run(updates, in_parts)
    assert_same_bits(in_parts, at_once)
    assert int(at_once.updates) == 5


def test_the_model_itself_is_not_touched():
    model = make(MADE_BY_KERAS["sgd"]())
    before = variables_of(model)
    compiled(model)(2)
    assert_same_bits(variables_of(model), before)


def test_far_out_the_step_is_a_share_of_the_optimizers_own():
    model, far_out = make(MADE_BY_KERAS["sgd"]()), Curriculum(step_decay=StepDecay(from_length=1))
    share = far_out.step_decay.fraction(FIXED.length)
    before = variables_of(model).trainable
    whole, shortened = (compiled(model, schedule=c)(1)[0].variables.trainable for c in (Curriculum(), far_out))
    for old, full, found in zip(before, whole, shortened, strict=True):
        np.testing.assert_allclose(found - old, share * (full - old), rtol=1e-3, atol=1e-6)
    assert share < 0.7


# Steps that are not taken


def not_always_finite(y_true, y_pred):
    """Infinite where the answer is symbol 0, not a number where it is symbol 1."""
    squares = keras.ops.mean((y_true - y_pred) ** 2, axis=-1)
    return squares * keras.ops.where(y_true[..., 0] == 1, np.inf, keras.ops.where(y_true[..., 1] == 1, np.nan, 1.0))


def test_a_gradient_that_is_not_finite_changes_no_weight_and_no_moment_and_is_counted():
    run = compiled(make("adam", not_always_finite, LAYERS.BatchNormalization()), batch_size=1)
    (state, _), skipped, in_a_row = run(0), 0, 0
    for number in range(25):
        _, y = batch_of_update(number, 1)
        before, (state, _) = state, run(1, state)
        spoilt = bool(y[0, :2].any())
        skipped, in_a_row = skipped + spoilt, (in_a_row + 1) * spoilt
        assert (int(state.updates), int(state.skipped), int(state.skipped_in_a_row)) == (number + 1, skipped, in_a_row)
        if spoilt:
            assert_same_bits((state.variables, state.optimizer), (before.variables, before.optimizer))
    assert 0 < skipped < 25
    assert all_finite(state)


@pytest.mark.parametrize(
    "optimizer", [OPTIMIZERS.Adam(), OPTIMIZERS.LossScaleOptimizer(OPTIMIZERS.Adam())], ids=["adam", "scaled"]
)
def test_a_long_gradient_of_a_batch_that_is_right_changes_no_weight_and_no_moment_and_is_counted(optimizer):
    any_length = Curriculum(gradient_guard=GradientGuard(1e-9, 1))
    run = compiled(make(optimizer), batch_size=1, schedule=any_length)
    (state, _), skipped = run(0), 0
    for _ in range(25):
        before, (state, totals) = state, run(1, state)
        right = float(totals.accuracy) == 1
        skipped += right
        assert (int(state.skipped), int(state.skipped_in_a_row)) == (skipped, 0)
        same = jax.tree.map(np.array_equal, state.variables.trainable, before.variables.trainable)
        assert all(same) == right
        if right:
            assert_same_bits(state.optimizer, before.optimizer)
    assert 0 < skipped < 25


def test_how_long_a_gradient_is_does_not_depend_on_the_scale_of_half_precision():
    optimizer = OPTIMIZERS.LossScaleOptimizer(OPTIMIZERS.SGD(0.5), initial_scale=2.0**15)
    state, totals = compiled(make(optimizer), schedule=Curriculum(gradient_guard=GradientGuard(100, 1)), batch_size=1)(
        25
    )
    assert int(state.skipped) == 0
    assert float(totals.accuracy) > 0  # there were batches that are all right


@pytest.mark.parametrize(
    ("optimizer", "size"),
    [(OPTIMIZERS.SGD(3e38), 1e10), (OPTIMIZERS.Adam(), 1e30), (OPTIMIZERS.SGD(0.1, momentum=0.9), 3e38)],
)
def test_a_finite_gradient_that_leads_to_infinity_is_not_followed_either(optimizer, size):
    model = make(optimizer, lambda y_true, y_pred: keras.ops.sum((y_true - y_pred) ** 2, axis=-1) * size)
    state, _ = compiled(model)(5)
    assert all_finite(state)
    assert int(state.skipped) > 0
