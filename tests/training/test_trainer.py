# pyright: reportArgumentType=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import dataclasses
import signal
from itertools import pairwise

import jax
import numpy as np
import pytest

from memoryspan import Budget, Curriculum, Echo, Status, evaluate, lstm, train
from memoryspan.backend import keras
from memoryspan.engine import variables_of
from memoryspan.errors import ModelError, TaskError
from memoryspan.training import TrainConfig, TrainSnapshot, restore, train_chunks
from tests.messages import naming

LAYERS = keras.layers
TASK = Echo(8, 6, 1)
SHORT = Budget(examples=1280)
"""Four chunks."""


def plain_model(*layers, task=TASK, optimizer="adam", loss="categorical_crossentropy"):
    """As one writes it down without knowing of this package."""
    keras.utils.set_random_seed(0)
    layers = layers or (LAYERS.LSTM(16),)
    model = keras.Sequential(
        [keras.Input((None, task.n_features)), *layers, LAYERS.Dense(task.n_features, "softmax", name="answer")]
    )
    model.compile(optimizer, loss)
    return model


def ready(seed=0):
    return lstm(TASK, units=8, seed=seed)


def bits(model):
    return [np.asarray(variable.value) for variable in (*model.variables, *model.optimizer.variables)]


def assert_same_bits(these, others):
    jax.tree.map(np.testing.assert_array_equal, these, others)


def without_seconds(row):
    return dataclasses.replace(row, seconds=0.0)


@pytest.mark.parametrize(
    ("settings", "instead"),
    [
        ({"batchsize": 8}, TrainConfig.__struct_fields__),
        ({"epochs": 3}, ["budget=Budget(examples=10_000)"]),
    ],
)
def test_a_setting_that_is_none_is_refused_with_those_there_are(settings, instead):
    with pytest.raises(TaskError, match=naming("train", *settings, *instead)):
        train(ready(), TASK, **settings)


@pytest.fixture(scope="module")
def trained():
    """A model, and the result of its training, which spent its budget."""
    model = ready()
    return model, train(model, TASK, budget=SHORT)


@pytest.fixture(scope="module")
def places():
    """Every position of the same training."""
    return list(train_chunks(ready(), TASK, TrainConfig(budget=SHORT)))


# Solved


@pytest.mark.parametrize("seed", range(3))
def test_the_tutorials_task_is_solved_within_a_thousand_updates(seed):
    model = lstm(Echo(), seed=seed)
    result = train(model, Echo(), seed=seed)
    assert result.status is Status.SOLVED
    assert result.engine == "unroll"
    assert result.history[-1].updates <= 1000
    assert evaluate(model, Echo(), seed=seed + 100).value > 0.99


@pytest.mark.slow
def test_a_plain_keras_model_with_plain_adam_solves_a_smaller_one():
    task = Echo(12, 10, 2)
    model = plain_model(task=task)
    result = train(model, task)
    assert result.solved
    X, y = one_hot_batch(task, 200)
    assert (model.predict(X, verbose=0).argmax(-1) == y.argmax(-1)).mean() > 0.99


def test_it_starts_from_the_weights_that_the_model_has():
    model = ready()
    first, again = (train(model, TASK, threshold=0.9) for _ in range(2))
    assert first.solved
    assert again.solved
    assert again.history[-1].updates < first.history[-1].updates


# The same bits


def test_the_same_seed_gives_the_same_bits(trained):
    model, result = trained
    again = ready()
    repeated = train(again, TASK, budget=SHORT)
    assert_same_bits(bits(again), bits(model))
    assert [without_seconds(row) for row in repeated.history] == [without_seconds(row) for row in result.history]


def test_another_seed_gives_others(trained):
    model, _ = trained
    other = ready()
    train(other, TASK, seed=1, budget=SHORT)
    assert any((one != another).any() for one, another in zip(bits(other), bits(model), strict=True))


@pytest.mark.parametrize("done", range(3))
def test_going_on_from_any_position_gives_the_same_bits_as_never_stopping(places, done):
    """A position as a checkpoint gives it back, for a model made anew and never trained."""
    saved = TrainSnapshot(jax.tree.map(np.asarray, places[done].state), places[done].row)
    rest = list(train_chunks(ready(seed=9), TASK, TrainConfig(budget=SHORT), start=saved))
    assert len(rest) == len(places) - done - 1
    for found, expected in zip(rest, places[done + 1 :], strict=True):
        assert_same_bits(found.state, expected.state)
        assert without_seconds(found.row) == without_seconds(expected.row)
    assert (rest[-1].status, rest[-1].accuracy) == (places[-1].status, places[-1].accuracy)


def test_only_the_last_position_has_a_status(places):
    assert [position.status for position in places] == [None, None, None, Status.BUDGET]


def test_the_model_does_not_change_on_the_way():
    model = ready()
    before = variables_of(model)
    next(train_chunks(model, TASK, TrainConfig()))
    assert_same_bits(variables_of(model), before)


# The end


def test_the_history_counts_updates_examples_and_tokens(trained):
    _, result = trained
    assert [row.updates for row in result.history] == [10, 20, 30, 40]
    assert [row.examples for row in result.history] == [320, 640, 960, 1280]
    assert all(row.examples * TASK.min_length <= row.tokens <= row.examples * TASK.length for row in result.history)
    assert all(earlier.seconds < later.seconds for earlier, later in pairwise(result.history))


@pytest.mark.parametrize("budget", [Budget(1), Budget(None, tokens=1), Budget(None, seconds=1e-9)])
def test_a_training_ends_after_the_chunk_that_spends_any_limit(budget):
    result = train(ready(), TASK, budget=budget)
    assert result.status is Status.BUDGET
    assert len(result.history) == 1
    assert result.accuracy is not None
    assert (result.accuracy.examples, result.accuracy.length) == (1000, TASK.length)


@pytest.mark.parametrize(
    ("optimizer", "loss"),
    [("adam", lambda y_true, y_pred: keras.ops.log(-1 - y_pred[..., 0] ** 2)), (keras.optimizers.SGD(1e38), "mse")],
)
def test_where_nothing_is_finite_it_gives_up_and_the_weights_stay_finite(optimizer, loss):
    model = plain_model(LAYERS.LSTM(8), optimizer=optimizer, loss=loss)
    model.get_layer("answer").activation = keras.activations.linear
    result = train(model, TASK)
    last = result.history[-1]
    assert result.status is Status.NOT_FINITE
    assert 100 <= last.skipped <= last.updates < 1000
    assert all(np.isfinite(array).all() for array in bits(model))


def test_an_interruption_keeps_what_was_learned(places):
    def after_two_chunks(position):
        if position.row.updates == 20:
            raise KeyboardInterrupt

    model = ready()
    result = train(model, TASK, budget=SHORT, on_chunk=after_two_chunks)
    assert (result.status, result.accuracy) == (Status.INTERRUPTED, None)
    assert [row.updates for row in result.history] == [10, 20]
    assert_same_bits(variables_of(model), places[1].state.variables)


def test_ctrl_c_ends_the_measurement_at_the_full_length():
    class Press(keras.callbacks.Callback):
        """As if while the full length is measured, which follows."""

        def on_epoch_end(self, epoch, logs=None):
            signal.raise_signal(signal.SIGINT)

    result = train(ready(), TASK, budget=Budget(examples=1), callbacks=[Press()])
    assert (result.status, result.accuracy) == (Status.INTERRUPTED, None)


class Interrupted(Curriculum, frozen=True):
    def start(self, min_length, max_length):
        raise KeyboardInterrupt


def test_an_interruption_before_the_first_update_leaves_the_model_as_it_was():
    model = ready()
    before = variables_of(model)
    result = train(model, TASK, schedule=Interrupted())
    assert (result.status, result.history) == (Status.INTERRUPTED, ())
    assert_same_bits(variables_of(model), before)


def test_every_position_is_reported_as_it_comes(places):
    seen = []
    train(ready(), TASK, budget=SHORT, on_chunk=seen.append)
    assert [without_seconds(one.row) for one in seen] == [without_seconds(one.row) for one in places]


# Afterwards


def one_hot_batch(task, examples):
    batch = task.sample(jax.random.key(7), examples, task.length)
    eye = np.eye(task.n_features, dtype="float32")
    return eye[batch.inputs], eye[batch.targets]


def test_afterwards_the_weights_are_in_the_model_and_the_moments_in_its_optimizer(trained, places):
    model, _ = trained
    assert_same_bits(variables_of(model), places[-1].state.variables)
    assert_same_bits([variable.value for variable in model.optimizer.variables], places[-1].state.optimizer)
    assert int(model.optimizer.iterations) == places[-1].row.updates


def test_afterwards_keras_goes_on(places, tmp_path):
    model = ready()
    restore(model, places[-1].state)
    X, y = one_hot_batch(TASK, 64)
    loss, accuracy = model.evaluate(X, y, verbose=0)
    assert accuracy == pytest.approx((model.predict(X, verbose=0).argmax(-1) == y.argmax(-1)).mean())
    model.save(tmp_path / "model.keras")
    opened = keras.models.load_model(tmp_path / "model.keras")
    assert_same_bits(bits(opened), bits(model))
    assert model.fit(X, y, epochs=2, verbose=0).history["loss"][-1] < loss
    assert int(model.optimizer.iterations) == places[-1].row.updates + 4
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(places[-1].state))


# Other models


def test_a_model_that_goes_through_keras_is_trained_all_the_same():
    layers = LAYERS.LayerNormalization(), LAYERS.LSTM(8, dropout=0.2), LAYERS.BatchNormalization()
    model = plain_model(*layers, optimizer=keras.optimizers.Adam(0.01))
    result = train(model, TASK, budget=Budget(examples=6400))
    assert result.engine == "keras"
    assert result.history[-1].loss < result.history[0].loss
    assert int(model.optimizer.iterations) == result.history[-1].updates


def test_frozen_layers_stay_as_they_are():
    model = plain_model(LAYERS.LSTM(8))
    model.layers[0].trainable = False
    before = [np.asarray(variable.value) for variable in model.layers[0].weights]
    train(model, TASK, budget=Budget(examples=320))
    assert_same_bits([np.asarray(variable.value) for variable in model.layers[0].weights], before)
    assert np.asarray(model.get_layer("answer").bias.value).any()


# Refused


def test_a_model_that_is_not_compiled_is_refused_with_what_to_type():
    model = keras.Sequential([keras.Input((None, 6)), LAYERS.LSTM(6)], name="mine")
    with pytest.raises(ModelError, match=naming("'mine'", 'model.compile("adam", "categorical_crossentropy")')):
        train(model, TASK)


def test_a_model_that_does_not_fit_is_refused_before_the_first_update():
    with pytest.raises(ModelError, match=naming(6, "echo", 7)):
        train(ready(), Echo(8, 7, 1))


def test_what_does_not_fit_into_the_memory_is_refused():
    with pytest.raises(TaskError, match=naming("1,000,000", "2,000,000", "GiB")):
        train(ready(), Echo(2_000_000, 6, 1), batch_size=1_000_000)


def test_the_curriculum_is_a_setting():
    slow = train(ready(), TASK, budget=SHORT, schedule=Curriculum(grow_above=1.0))
    assert {row.length for row in slow.history} == {TASK.min_length}


def test_a_model_that_reads_its_padding_learns_one_length_at_a_time():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((None, 5)), layers.Conv1D(16, 2, padding="causal"), layers.LSTM(16), layers.Dense(5, "softmax")]
    )
    model.compile(keras.optimizers.Adam(0.02), "categorical_crossentropy")
    result = train(model, Echo(6, 5, 2), seed=0)
    assert result.solved
    assert {row.length for row in result.history} == {3, 6}


def test_a_model_of_fixed_length_that_reads_its_padding_learns_that_length_alone():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential([keras.Input((4, 5)), layers.Flatten(), layers.Dense(5, "softmax")])
    model.compile(keras.optimizers.Adam(0.05), "categorical_crossentropy")
    with pytest.raises(ModelError, match=naming(model.name, "length=4", 3)):
        train(model, Echo(3, 5, 2))
    result = train(model, Echo(4, 5, 2), seed=0)
    assert result.solved
    assert {row.length for row in result.history} == {4}


def test_an_optimizer_that_scales_the_loss_learns_as_without_scaling():
    results = []
    for optimizer in (keras.optimizers.SGD(0.1), keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))):
        keras.utils.set_random_seed(0)
        layers = keras.layers
        model = keras.Sequential([keras.Input((None, 5)), layers.LSTM(4), layers.Dense(5, "softmax")])
        model.compile(optimizer, "categorical_crossentropy")
        train(model, Echo(3, 5, 2), budget=Budget(examples=320))
        results.append(np.asarray(model.layers[-1].bias.value))
    assert np.abs(results[0]).max() > 1e-3
    np.testing.assert_allclose(*results, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "task", "settings", "words"),
    [
        (None, Echo(3, 5, 2), {}, [None, "keras.saving.load_model"]),
        ("built", "echo", {}, ["'echo'", "Echo(length=50)"]),
        ("built", Echo(3, 5, 2), {"budget": "10k"}, ["budget", "'10k'", "Budget(examples=10_000)"]),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused(model, task, settings, words):
    built = keras.Sequential([keras.Input((None, 5)), keras.layers.LSTM(4), keras.layers.Dense(5, "softmax")])
    built.compile("adam", "categorical_crossentropy")
    with pytest.raises((ModelError, TaskError), match=naming(*words)):
        train(built if model == "built" else model, task, **settings)


def test_a_model_of_a_fixed_number_of_rows_is_refused():
    layers = keras.layers
    model = keras.Sequential([keras.Input((3, 5), batch_size=1), layers.LSTM(4, stateful=True), layers.Dense(5)])
    model.compile("adam", "categorical_crossentropy")
    with pytest.raises(ModelError, match=naming(model.name, 1, "batch_size", "stateful=True")):
        train(model, Echo(3, 5, 2))


@pytest.mark.parametrize("scaled", [False, True])
def test_an_optimizer_that_averages_weights_is_refused(scaled):
    adam = keras.optimizers.Adam(use_ema=True)
    model = plain_model(optimizer=keras.optimizers.LossScaleOptimizer(adam) if scaled else adam)
    with pytest.raises(ModelError, match=naming(model.name, "use_ema=True", "use_ema=False")):
        train(model, TASK)


def test_an_optimizer_made_for_other_weights_is_refused():
    model = keras.Sequential([keras.Input((None, 5)), keras.layers.LSTM(4), keras.layers.Dense(5, "softmax")])
    model.compile("adam", ["categorical_crossentropy"])
    model.optimizer.build(model.trainable_variables)
    model.layers[0].trainable = False
    with pytest.raises(ModelError, match=naming(model.name, "model.compile", "trainable")):
        train(model, Echo(3, 5, 2))
