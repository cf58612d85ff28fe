# pyright: reportArgumentType=false
# (Keras's annotations are narrower than what it takes and wider than what it gives.)

import csv
import re
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from memoryspan import Budget, Echo, Status, evaluate, lstm, train
from memoryspan.backend import keras
from memoryspan.engine import variables_of
from memoryspan.errors import InsufficientMemoryError, ModelError, TaskError
from memoryspan.runs import Run, load_model
from memoryspan.training import TrainConfig, train_chunks
from memoryspan.training.callbacks import METRICS, UNSUPPORTED
from memoryspan.training.compile import compile_train_step
from tests.messages import naming

KERAS = keras.callbacks
PAGE = (Path(__file__).parents[2] / "docs" / "callbacks.md").read_text()
TASK = Echo(8, 6, 1)
SHORT = Budget(examples=1280)
"""Four chunks."""


def ready(learning_rate=0.01):
    return lstm(TASK, units=8, learning_rate=learning_rate, seed=0)


def at_the_end_of_each(look):
    """A callback that is called with nothing but the figures."""
    return KERAS.LambdaCallback(on_epoch_end=lambda epoch, logs: look(logs))


def weights(model):
    return [np.asarray(variable.value) for variable in model.trainable_variables]


def bits(model):
    return [np.asarray(variable.value).tobytes() for variable in (*model.variables, *model.optimizer.variables)]


def same(these, others):
    return all((one == other).all() for one, other in zip(these, others, strict=True))


@pytest.fixture(scope="module")
def alone():
    """A model that was trained without callbacks, and what came of it."""
    model = ready()
    return model, train(model, TASK, budget=SHORT)


@pytest.fixture(scope="module")
def places():
    """Every position of the same training."""
    return list(train_chunks(ready(), TASK, TrainConfig(budget=SHORT)))


# What a callback sees


def test_a_chunk_is_an_epoch():
    called = []
    hooks = {
        "on_train_begin": lambda logs: called.append("begin"),
        "on_epoch_begin": lambda epoch, logs: called.append(epoch),
        "on_epoch_end": lambda epoch, logs: called.append((epoch, logs["updates"])),
        "on_train_end": lambda logs: called.append(logs["updates"]),
        "on_train_batch_end": lambda batch, logs: called.append("batch"),
    }
    train(ready(), TASK, budget=SHORT, callbacks=[KERAS.LambdaCallback(**hooks)])
    assert called == ["begin", 0, (0, 10), 1, (1, 20), 2, (2, 30), 3, (3, 40), 40]


def test_it_is_told_what_the_history_tells():
    told = []
    result = train(ready(), TASK, budget=SHORT, callbacks=[at_the_end_of_each(lambda logs: told.append(dict(logs)))])
    assert told == [asdict(row) for row in result.history]


def test_the_weights_and_the_moments_are_in_the_model_when_it_looks(places):
    model, found = ready(), []
    look = at_the_end_of_each(lambda logs: found.append((weights(model), int(model.optimizer.iterations))))
    train(model, TASK, budget=SHORT, callbacks=[look])
    assert [updates for _, updates in found] == [10, 20, 30, 40]
    assert all(same(seen, place.state.variables.trainable) for (seen, _), place in zip(found, places, strict=True))


def test_one_that_only_looks_changes_no_bit(alone):
    model, X = ready(), np.zeros((1, 8, 6), "float32")
    look = at_the_end_of_each(lambda logs: model.predict(X, verbose=0))
    result = train(model, TASK, budget=SHORT, callbacks=[look])
    expected, without = alone
    assert bits(model) == bits(expected)
    assert (result.status, result.accuracy) == (without.status, without.accuracy)


# What a callback does


def test_it_ends_the_training_and_the_accuracy_is_measured():
    model = ready()
    stop = KERAS.EarlyStopping("length", mode="max", patience=2)
    result = train(model, TASK, callbacks=[stop])
    assert result.status is Status.STOPPED
    assert len(result.history) == stop.stopped_epoch + 1
    assert result.accuracy is not None
    assert (result.accuracy.examples, result.accuracy.length) == (1000, TASK.length)


def test_a_second_training_is_not_ended_by_what_ended_the_first():
    model = ready()
    stop = at_the_end_of_each(lambda logs: setattr(model, "stop_training", True))
    assert len(train(model, TASK, budget=SHORT, callbacks=[stop]).history) == 1
    *_, unspent, last = train(model, TASK, budget=SHORT, callbacks=[at_the_end_of_each(id)]).history
    assert unspent.examples < 1280 <= last.examples


def test_early_stopping_leaves_the_best_weights_and_their_accuracy():
    model, seen = ready(), []
    look = at_the_end_of_each(lambda logs: seen.append((logs["loss"], weights(model))))
    result = train(model, TASK, callbacks=[look, KERAS.EarlyStopping("loss", patience=4, restore_best_weights=True)])
    best = min(range(len(seen)), key=lambda epoch: seen[epoch][0])
    assert result.status is Status.STOPPED
    assert best == len(seen) - 5
    assert same(weights(model), seen[best][1])
    low, high = evaluate(model, TASK, seed=1).interval
    assert result.accuracy is not None
    assert low - 0.03 < result.accuracy.value < high + 0.03


def test_a_task_is_not_called_solved_with_other_weights_than_those_that_solved_it():
    model, seen = ready(), []
    look = at_the_end_of_each(lambda logs: seen.append(weights(model)))
    first = KERAS.EarlyStopping("updates", mode="min", patience=1000, restore_best_weights=True)
    result = train(model, TASK, threshold=0.9, callbacks=[look, first])
    assert same(weights(model), seen[0])
    assert result.status is Status.STOPPED
    assert result.accuracy is not None
    assert result.accuracy.value < 0.5


def test_a_solved_task_stays_solved_where_the_weights_that_are_put_in_are_as_good():
    best = KERAS.EarlyStopping("updates", mode="max", restore_best_weights=True)
    with_it, without = ready(), ready()
    results = train(with_it, TASK, threshold=0.9, callbacks=[best]), train(without, TASK, threshold=0.9)
    assert [result.status for result in results] == [Status.SOLVED] * 2
    assert results[0].accuracy == results[1].accuracy
    assert bits(with_it) == bits(without)


def test_the_learning_rate_that_a_scheduler_sets_is_the_one_that_trains():
    scheduled, plain = ready(learning_rate=0.5), ready(learning_rate=0.02)
    train(scheduled, TASK, budget=SHORT, callbacks=[KERAS.LearningRateScheduler(lambda epoch: 0.02)])
    train(plain, TASK, budget=SHORT)
    assert bits(scheduled) == bits(plain)


def test_a_learning_rate_that_is_reduced_takes_effect_from_the_next_chunk_on():
    model, seen = ready(), []
    look = at_the_end_of_each(lambda logs: seen.append(weights(model)))
    reduce = KERAS.ReduceLROnPlateau("updates", mode="min", patience=1, factor=1e-30, min_delta=0)
    train(model, TASK, budget=SHORT, callbacks=[look, reduce])
    assert not same(seen[0], seen[1])
    assert same(seen[1], seen[2])
    assert float(model.optimizer.learning_rate) == pytest.approx(0)


def test_weights_that_it_puts_in_are_the_ones_that_are_trained_on():
    model = ready()
    first = model.get_weights()
    forget = KERAS.LambdaCallback(on_epoch_begin=lambda epoch, logs: model.set_weights(first))
    moved = []
    train(model, TASK, budget=SHORT, callbacks=[forget, at_the_end_of_each(lambda logs: moved.append(weights(model)))])
    largest = [max(abs(now - before).max() for now, before in zip(each, first, strict=False)) for each in moved]
    assert all(0 < step < 0.11 for step in largest)  # ten steps of Adam, from the same place each time


def test_figures_that_one_adds_are_there_for_the_next():
    model = ready()
    add = at_the_end_of_each(lambda logs: logs.update(val_loss=1.0))
    stop = KERAS.EarlyStopping(patience=1)
    assert train(model, TASK, callbacks=[add, stop]).status is Status.STOPPED
    assert stop.best == 1.0


# The end


def test_an_interruption_lets_it_close_and_keeps_the_last_weights(places):
    def interrupt(position):
        if position.row.updates == 20:
            raise KeyboardInterrupt

    model, closed = ready(), []
    close = KERAS.LambdaCallback(on_train_end=lambda logs: closed.append(logs["updates"]))
    best = KERAS.EarlyStopping("updates", mode="min", patience=1000, restore_best_weights=True)
    result = train(model, TASK, budget=SHORT, on_chunk=interrupt, callbacks=[close, best])
    assert result.status is Status.INTERRUPTED
    assert closed == [20]
    assert same(weights(model), places[1].state.variables.trainable)


def test_its_own_error_is_the_persons_to_see():
    def full(logs):
        raise OSError("no space left")

    ended = KERAS.LambdaCallback(on_train_end=lambda logs: pytest.fail("Keras would not have called this"))
    with pytest.raises(OSError, match="no space left"):
        train(ready(), TASK, callbacks=[at_the_end_of_each(full), ended])


def test_a_chunk_that_does_not_fit_into_memory_is_not_reported():
    def small_machine(problem, width, *rest):
        if width > 64:
            raise InsufficientMemoryError("too long")
        return compile_train_step(problem, width, *rest)

    told, ended = [], []
    callbacks = [
        at_the_end_of_each(lambda logs: told.append(logs["updates"])),
        KERAS.LambdaCallback(on_train_end=lambda logs: ended.append(logs["updates"])),
    ]
    task = Echo(128, 6, 1)
    model = lstm(task, units=12, seed=0)
    found = list(train_chunks(model, task, TrainConfig(), callbacks=callbacks, compile_step=small_machine))
    assert found[-1].status is Status.MEMORY
    assert told == [snapshot.row.updates for snapshot in found[:-1]]
    assert ended == told[-1:]


# Keras's own, with their files


def test_csv_logger_writes_the_history(tmp_path):
    result = train(ready(), TASK, budget=SHORT, callbacks=[KERAS.CSVLogger(tmp_path / "log.csv")])
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3"]
    for name in asdict(result.history[0]):
        assert [float(row[name]) for row in rows] == [getattr(row, name) for row in result.history]


def test_model_checkpoint_saves_models_that_keras_opens(tmp_path, alone):
    save = KERAS.ModelCheckpoint(tmp_path / "{epoch}-{examples:05d}.keras")
    train(ready(), TASK, budget=SHORT, callbacks=[save])
    names = ["1-00320.keras", "2-00640.keras", "3-00960.keras", "4-01280.keras"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    opened = keras.models.load_model(tmp_path / names[-1])
    assert bits(opened) == bits(alone[0])


def test_model_checkpoint_saves_a_model_for_each_length_that_was_reached(tmp_path):
    save = KERAS.ModelCheckpoint(tmp_path / "{length}.keras", "length", mode="max", save_best_only=True)
    result = train(ready(), TASK, threshold=0.9, callbacks=[save])
    assert {int(path.stem) for path in tmp_path.iterdir()} == {row.length for row in result.history} == {2, 4, 8}


def test_model_checkpoint_saves_weights_alone(tmp_path, alone):
    save = KERAS.ModelCheckpoint(tmp_path / "last.weights.h5", save_weights_only=True)
    train(ready(), TASK, budget=SHORT, callbacks=[save])
    model = ready()
    model.optimizer.build(model.trainable_variables)  # the file has its moments as well
    model.load_weights(tmp_path / "last.weights.h5")
    assert bits(model) == bits(alone[0])


def test_model_checkpoint_begins_at_a_threshold(tmp_path):
    save = partial(KERAS.ModelCheckpoint, monitor="accuracy", mode="max", save_best_only=True)
    high = save(tmp_path / "high.keras", initial_value_threshold=1.0)
    low = save(tmp_path / "low.keras", initial_value_threshold=0.1)
    train(ready(), TASK, budget=SHORT, callbacks=[high, low])
    assert [path.name for path in tmp_path.iterdir()] == ["low.keras"]


def test_history_is_kept_as_after_fit():
    model = ready()
    result = train(model, TASK, budget=SHORT, callbacks=[KERAS.History()])
    assert model.history.history["accuracy"] == [row.accuracy for row in result.history]


# Kept runs


def test_a_run_that_a_callback_stopped_is_kept_so_and_goes_on_where_it_was(tmp_path):
    settings, epochs = TrainConfig(budget=SHORT), []

    def stop_after_two(epoch, logs):
        epochs.append(epoch)
        run.model.stop_training = epoch == 1

    run = Run.create(ready(), TASK, settings, directory=tmp_path / "run")
    result = run.train(callbacks=[KERAS.LambdaCallback(on_epoch_end=stop_after_two)])
    assert (result.status, [row.updates for row in result.history]) == (Status.STOPPED, [10, 20])
    assert same(weights(load_model(tmp_path / "run")), weights(run.model))

    run = Run.resume(tmp_path / "run")
    result = run.train(callbacks=[KERAS.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))])
    assert (result.status, epochs) == (Status.BUDGET, [0, 1, 2, 3])
    assert [row.updates for row in result.history] == [10, 20, 30, 40]


def test_what_a_callback_changed_is_kept_with_the_run(tmp_path, alone):
    stop = KERAS.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(run.model, "stop_training", epoch == 1))
    slow = KERAS.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(run.model.optimizer, "learning_rate", 1e-30))
    run = Run.create(ready(), TASK, TrainConfig(budget=SHORT), directory=tmp_path / "run")
    run.train(callbacks=[stop, slow])
    before = weights(run.model)
    run = Run.resume(tmp_path / "run")
    run.train()
    assert same(weights(run.model), before)
    assert not same(weights(run.model), weights(alone[0]))


# Refused


class OnBatches(KERAS.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        (KERAS.BackupAndRestore("backup"), ["BackupAndRestore", "memoryspan train --resume RUN"]),
        (KERAS.ProgbarLogger(), ["ProgbarLogger"]),
        (KERAS.SwapEMAWeights(), ["SwapEMAWeights"]),
        (KERAS.TerminateOnNaN(), ["TerminateOnNaN"]),
        (OnBatches(), ["OnBatches", "on_epoch_end"]),
        (KERAS.LambdaCallback(on_train_batch_end=print), ["LambdaCallback", "on_epoch_end"]),
        (KERAS.ModelCheckpoint("model.keras", save_freq=100), ["ModelCheckpoint", 'save_freq="epoch"']),
        (KERAS.EarlyStopping(), ["EarlyStopping", "'val_loss'", *METRICS]),
        (KERAS.ReduceLROnPlateau(), ["ReduceLROnPlateau", "'val_loss'", 'monitor="length"', 'mode="max"']),
        (KERAS.ModelCheckpoint("model.keras", save_best_only=True), ["ModelCheckpoint", "'val_loss'"]),
        (KERAS.EarlyStopping("accuracy"), ["EarlyStopping", "accuracy", 'mode="max"']),
        (KERAS.EarlyStopping, ["callbacks", "[<class"]),
    ],
    ids=lambda value: None if isinstance(value, list) else getattr(value, "__name__", type(value).__name__),
)
def test_one_that_would_not_do_what_it_says_is_refused_before_anything_is_trained(callback, words):
    model = ready()
    before = variables_of(model)
    with pytest.raises(TaskError, match=naming(*words)):
        train(model, TASK, callbacks=[callback])
    assert same(variables_of(model).trainable, before.trainable)


def test_a_callback_that_is_in_no_list_is_refused():
    with pytest.raises(TaskError, match=naming("callbacks", "[keras.callbacks.CSVLogger('log.csv')]")):
        train(ready(), TASK, callbacks=KERAS.CSVLogger("log.csv"))  # pyright: ignore[reportArgumentType]


def test_another_optimizer_on_the_way_is_refused():
    model = ready()
    exchange = at_the_end_of_each(lambda logs: model.compile("sgd", "categorical_crossentropy"))
    with pytest.raises(ModelError, match=naming("optimizer")):
        train(model, TASK, callbacks=[exchange])


# Documented


def test_the_page_says_of_each_callback_of_keras_what_becomes_of_it():
    kinds = [kind for kind in vars(KERAS).values() if isinstance(kind, type) and issubclass(kind, KERAS.Callback)]
    names = {kind.__name__ for kind in kinds} - {"Callback", "CallbackList"}
    assert len(names) > 10
    assert {name for name in names if f"`{name}`" not in PAGE} == set()
    assert {kind.__name__ for kind in UNSUPPORTED} == set(re.findall(r"^\| `(\w+)` \| refused", PAGE, re.MULTILINE))


def test_the_page_names_every_figure_that_is_told():
    assert {name for name in METRICS if f"`{name}`" not in PAGE} == set()
