"""Batches that make no sense are found, before a training and during one."""

import re
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan import Batch, Budget, evaluate, lstm, train
from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.sampling import row_lengths, symbols
from memoryspan.tasks import TASKS
from memoryspan.tasks.faults import CHECKED_ROWS, FAULTS, faults_of, require_sound
from tests.messages import naming

KEY = jax.random.key(0)


@dataclass(frozen=True)
class Third:
    """Echo the third of six symbols; what it samples is spoilt in the subclasses."""

    length: int = 4
    n_features: int = 6

    name: ClassVar[str] = "third"
    return_sequences: ClassVar[bool] = False
    loss: ClassVar[str] = "categorical_crossentropy"
    activation: ClassVar[str] = "softmax"
    min_length = 3

    @property
    def n_outputs(self):
        return self.n_features

    @property
    def chance(self):
        return 1 / self.n_features

    def lag(self, length):
        return length - 3

    def sample(self, key, batch_size, length):
        tokens, lengths = symbols(key, batch_size, self.length, self.n_features), row_lengths(length, batch_size)
        return self.spoilt(Batch(tokens, lengths, tokens[:, 2], jnp.ones(batch_size, bool)))

    def spoilt(self, batch):
        return batch

    def correct(self, predictions, targets):
        return predictions.argmax(-1) == targets


class LengthZero(Third):
    def spoilt(self, batch):
        return batch._replace(lengths=batch.lengths * 0)


class TooLong(Third):
    def spoilt(self, batch):
        return batch._replace(lengths=batch.lengths + 3)


class NothingAsked(Third):
    def spoilt(self, batch):
        return batch._replace(target_mask=~batch.target_mask)


class SymbolsFromOne(Third):
    def spoilt(self, batch):
        return batch._replace(inputs=batch.inputs + 1)


class ClassesFromOne(Third):
    def spoilt(self, batch):
        return batch._replace(targets=batch.targets + 1)


class NegativeClasses(Third):
    def spoilt(self, batch):
        return batch._replace(targets=batch.targets - 1)


@dataclass(frozen=True)
class Numbers(Third):
    """Real input, and a number for an answer."""

    n_features: int = 2
    loss: ClassVar[str] = "mse"
    activation: ClassVar[str] = "linear"

    @property
    def n_outputs(self):
        return 1

    def sample(self, key, batch_size, length):
        x, lengths = jax.random.normal(key, (batch_size, self.length, 2)), row_lengths(length, batch_size)
        return self.spoilt(Batch(x, lengths, x[:, 2, 0], jnp.ones(batch_size, bool)))

    def correct(self, predictions, targets):
        return abs(predictions[..., 0] - targets) < 0.1


class InputNaN(Numbers):
    def spoilt(self, batch):
        return batch._replace(inputs=batch.inputs.at[0, 1].set(jnp.nan))


class TargetInfinite(Numbers):
    def spoilt(self, batch):
        return batch._replace(targets=batch.targets.at[1].set(jnp.inf))


LENGTH, NOTHING_ASKED, SYMBOL, INPUT, CLASS, TARGET = FAULTS

SPOILT = {
    LengthZero: LENGTH,
    TooLong: LENGTH,
    NothingAsked: NOTHING_ASKED,
    SymbolsFromOne: SYMBOL,
    ClassesFromOne: CLASS,
    NegativeClasses: CLASS,
    InputNaN: INPUT,
    TargetInfinite: TARGET,
}


def model_for(task, norm):
    layers = keras.layers
    between = [layers.LayerNormalization()] if norm else []  # which runs through Keras
    model = keras.Sequential(
        [keras.Input((None, task.n_features)), layers.LSTM(4), *between, layers.Dense(task.n_outputs)]
    )
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("norm", [False, True], ids=["unroll", "keras"])
@pytest.mark.parametrize("kind", SPOILT, ids=lambda kind: kind.__name__)
def test_a_batch_that_makes_no_sense_is_refused_with_the_line_of_the_file(kind, norm):
    task = kind()
    model = model_for(task, norm)
    for call in (lambda: train(model, task, budget=Budget(examples=100)), lambda: evaluate(model, task)):
        with pytest.raises(TaskError, match=naming(SPOILT[kind], task.name)) as error:
            call()
        assert re.search(rf"{re.escape(__file__)}\D+\d+", str(error.value))


@pytest.mark.parametrize("kind", [Third, Numbers])
def test_a_task_that_is_all_right_is_not_refused(kind):
    require_sound(kind())


@pytest.mark.parametrize("name", TASKS)
def test_no_task_of_the_package_has_a_fault(name):
    task = TASKS[name]()
    assert not np.any(faults_of(task, task.sample(KEY, 64, task.length)))
    require_sound(task)


def test_what_stands_behind_a_row_or_where_nothing_is_asked_is_no_fault():
    task = Third(length=4)
    batch = task.sample(KEY, 3, jnp.array([3, 4, 3]))
    batch = batch._replace(inputs=batch.inputs.at[0, 3].set(99))
    assert not np.any(faults_of(task, batch))


@dataclass(frozen=True)
class LaterFault(Third):
    """In batches as they are trained on a class is out of range, and in those that are looked at before none."""

    length: int = 3

    def spoilt(self, batch):
        return batch._replace(targets=batch.targets + (0 if len(batch.targets) == CHECKED_ROWS else 99))


def test_a_fault_that_comes_later_is_found_while_it_trains():
    task = LaterFault()
    require_sound(task)
    with pytest.raises(TaskError, match=naming(CLASS, task.name)):
        train(lstm(task, units=4, seed=0), task, seed=0, budget=Budget(examples=200_000))


class DrawsWithNumPy(Third):
    def sample(self, key, batch_size, length):
        tokens = jnp.asarray(np.random.randint(0, self.n_features, (batch_size, self.length)))
        return Batch(tokens, row_lengths(length, batch_size), tokens[:, 2], jnp.ones(batch_size, bool))


class AddsNoiseOfNumPy(Third):
    def spoilt(self, batch):
        shift = jnp.asarray(np.random.randint(0, self.n_features, batch.inputs.shape))
        return batch._replace(inputs=(batch.inputs + shift) % self.n_features)


class AlwaysTheSame(Third):
    def sample(self, key, batch_size, length):
        return super().sample(jax.random.key(7), batch_size, length)


@pytest.mark.parametrize("kind", [DrawsWithNumPy, AddsNoiseOfNumPy, AlwaysTheSame], ids=lambda kind: kind.__name__)
def test_examples_that_would_not_be_fresh_are_refused(kind):
    task = kind()
    with pytest.raises(TaskError, match=naming(task.name, "key", "jax.random")):
        train(lstm(Third(), units=4, seed=0), task, seed=0, budget=Budget(examples=100))


def test_float_targets_for_classes_are_refused():
    @dataclass(frozen=True)
    class FloatClasses(Third):
        def spoilt(self, batch):
            return batch._replace(targets=batch.targets.astype(jnp.float32))

    with pytest.raises(TaskError, match=naming("targets", "(2,)", "(2, 6)")):
        train(lstm(Third(), units=4, seed=0), FloatClasses(), seed=0, budget=Budget(examples=100))
