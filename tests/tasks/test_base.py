"""The protocol, with tasks of other kinds: an answer at every step, and real numbers in and out.

Neither is known to the package; both are made, learned and measured by the code that serves `Echo`.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan import Echo, Status, evaluate, lstm, predict, train
from memoryspan.backend import keras
from memoryspan.errors import TaskError
from memoryspan.tasks import TASKS, Batch, Task, require_task, task_named
from memoryspan.tasks.base import has_class_targets, has_symbol_inputs
from tests.messages import naming


@dataclass(frozen=True)
class Previous:
    """At every step but the first: the symbol one step back."""

    length: int = 8
    n_features: int = 4

    name: ClassVar[str] = "previous"
    return_sequences: ClassVar[bool] = True
    loss: ClassVar[str] = "categorical_crossentropy"
    activation: ClassVar[str] = "softmax"

    @property
    def min_length(self):
        return 2

    @property
    def n_outputs(self):
        return self.n_features

    @property
    def chance(self):
        return (1 / self.n_features) ** (self.length - 1)

    def lag(self, length):
        return 1

    def sample(self, key, batch_size, length):
        tokens = jax.random.randint(key, (batch_size, self.length), 0, self.n_features)
        lengths = jnp.broadcast_to(jnp.asarray(length, jnp.int32), (batch_size,))
        t = jnp.arange(self.length)
        return Batch(tokens, lengths, jnp.roll(tokens, 1, axis=1), (t >= 1) & (t < lengths[:, None]))

    def correct(self, predictions, targets):
        return predictions.argmax(-1) == targets


@dataclass(frozen=True)
class Adding:
    """The sum of two marked numbers (Hochreiter & Schmidhuber 1997, experiment 4)."""

    length: int = 10
    tolerance: float = 0.04

    name: ClassVar[str] = "adding"
    return_sequences: ClassVar[bool] = False
    loss: ClassVar[str] = "mean_squared_error"
    activation: ClassVar[str] = "linear"

    @property
    def n_features(self):
        return 2

    @property
    def n_outputs(self) -> int:
        return 1

    @property
    def min_length(self):
        return 2

    @property
    def chance(self):
        return 1 - (1 - self.tolerance) ** 2

    def lag(self, length):
        return length - 1

    def sample(self, key, batch_size, length):
        for_numbers, for_first, for_second = jax.random.split(key, 3)
        lengths = jnp.broadcast_to(jnp.asarray(length, jnp.int32), (batch_size,))
        numbers = jax.random.uniform(for_numbers, (batch_size, self.length))
        first = jax.random.randint(for_first, (batch_size,), 0, lengths // 2)
        second = jax.random.randint(for_second, (batch_size,), lengths // 2, lengths)
        t = jnp.arange(self.length)
        marked = (t == first[:, None]) | (t == second[:, None])
        padding = t >= lengths[:, None]
        inputs = jnp.where(padding[..., None], jnp.nan, jnp.stack([numbers, marked], axis=-1))
        return Batch(inputs, lengths, (numbers * marked).sum(1), jnp.ones(batch_size, bool))

    def correct(self, predictions, targets):
        return abs(predictions[..., 0] - targets) < self.tolerance


@dataclass(frozen=True)
class FirstNumbers:
    """The first `n_outputs` of some numbers, all at once: an answer is a vector."""

    length: int = 8
    n_outputs: int = 3

    name: ClassVar[str] = "first numbers"
    return_sequences: ClassVar[bool] = False
    loss: ClassVar[str] = "mean_squared_error"
    activation: ClassVar[str] = "linear"
    tolerance: ClassVar[float] = 0.1

    @property
    def n_features(self):
        return 1

    @property
    def min_length(self):
        return self.n_outputs

    @property
    def chance(self):
        return (2 * self.tolerance) ** self.n_outputs

    def lag(self, length):
        return length - 1

    def sample(self, key, batch_size, length):
        numbers = jax.random.uniform(key, (self.length, batch_size, 1)).swapaxes(0, 1)
        lengths = jnp.broadcast_to(jnp.asarray(length, jnp.int32), (batch_size,))
        return Batch(numbers, lengths, numbers[:, : self.n_outputs, 0], jnp.ones(batch_size, bool))

    def correct(self, predictions, targets):
        return (abs(predictions - targets) < self.tolerance).all(-1)


@dataclass(frozen=True)
class LastTwo(Adding):
    """At every step the two channels of that step."""

    name: ClassVar[str] = "last two"
    return_sequences: ClassVar[bool] = True

    @property
    def n_outputs(self):
        return 2

    def sample(self, key, batch_size, length):
        batch = super().sample(key, batch_size, length)
        asked = jnp.arange(self.length) < batch.lengths[:, None]
        return batch._replace(targets=batch.inputs, target_mask=asked)

    def correct(self, predictions, targets):
        return (abs(predictions - targets) < self.tolerance).all(-1)


KINDS = {"echo": Echo(8, 5, 2), "previous": Previous(), "adding": Adding()}
VECTORS = {"once": FirstNumbers(), "every step": LastTwo()}


@pytest.fixture(scope="module", params=KINDS)
def task(request):
    return KINDS[request.param]


def test_it_follows_the_protocol(task):
    assert isinstance(task, Task)
    assert has_symbol_inputs(task) == has_class_targets(task) == (task.name != "adding")


def test_its_batches_have_the_shapes_of_the_protocol(task):
    batch = task.sample(jax.random.key(0), 3, jnp.array([2, 8, 3]))
    assert batch.inputs.shape[:2] == (3, task.length)
    assert batch.targets.shape == batch.target_mask.shape
    assert batch.target_mask.shape == ((3,) if not task.return_sequences else (3, task.length))


def test_the_same_key_gives_the_same_examples_in_arrays_of_its_width(task):
    batches = [task.sample(jax.random.key(5), 3, 6) for _ in range(2)]
    jax.tree.map(np.testing.assert_array_equal, *batches)


def test_a_builder_makes_a_model_that_fits(task):
    model = lstm(task, units=4, seed=0)
    answers = (None, task.n_outputs) if not task.return_sequences else (None, None, task.n_outputs)
    assert model.output_shape == answers
    assert 0 <= evaluate(model, task, examples=50).value <= 1


def test_an_answer_at_every_step_is_learned_to_the_end():
    result = train(lstm(Previous(), units=10, seed=0), Previous(), seed=0)
    assert result.status is Status.SOLVED
    assert result.accuracy is not None
    assert result.accuracy.n_correct == 1000


def test_a_number_is_learned_to_the_end():
    result = train(lstm(Adding(), seed=0), Adding(), seed=0)
    assert result.status is Status.SOLVED
    assert result.history[-1].skipped == 0


def test_an_example_with_several_answers_is_right_when_all_of_them_are():
    """A model that knows the answer but at the first steps, where nothing is asked, and one that errs once."""
    task = Previous(length=3, n_features=4)
    assert evaluate(shifting_model(4), task, examples=300).n_correct == 300
    assert evaluate(shifting_model(4, forgets=0), task, examples=300).value == pytest.approx((3 / 4) ** 2, abs=0.1)


def shifting_model(n_features, forgets=None):
    """h' = x R, where h holds [now, one step back]; answers with what was one step back."""
    memory = keras.layers.SimpleRNN(2 * n_features, activation="linear", use_bias=False, return_sequences=True)
    answer = keras.layers.Dense(n_features, use_bias=False)
    model = keras.Sequential([keras.Input((None, n_features)), memory, answer])
    nothing, copy = np.zeros((n_features, n_features)), np.eye(n_features)
    shown = copy.copy()
    if forgets is not None:
        shown[forgets, forgets] = -1
    memory.set_weights([np.hstack([copy, nothing]), np.block([[nothing, copy], [nothing, nothing]])])
    answer.set_weights([np.vstack([nothing, shown])])
    return model


# An answer that is a vector of numbers


@pytest.mark.parametrize("asks", VECTORS)
def test_a_task_may_ask_for_a_vector_of_numbers(asks):
    task = VECTORS[asks]
    require_task(task)
    assert not has_class_targets(task)
    batch = task.sample(jax.random.key(0), 4, task.length)
    assert batch.targets.shape == (*batch.target_mask.shape, task.n_outputs)
    predictions = batch.targets + jnp.zeros(task.n_outputs).at[0].set(2 * task.tolerance)
    assert task.correct(batch.targets, batch.targets).shape == batch.target_mask.shape
    assert task.correct(batch.targets, batch.targets).all()
    assert not task.correct(predictions, batch.targets).any()


@pytest.mark.parametrize("asks", VECTORS)
def test_a_model_answers_such_a_task_with_vectors(asks):
    task = VECTORS[asks]
    model = lstm(task, units=4, seed=0)
    batch = task.sample(jax.random.key(0), 3, task.length)
    found = predict(model, np.asarray(batch.inputs), task=task)
    np.testing.assert_allclose(np.stack([*found]), np.asarray(model(batch.inputs)), atol=1e-6)
    assert evaluate(model, task, examples=50).chance == task.chance


@pytest.mark.parametrize("targets", [lambda t: t[..., 0], lambda t: t[..., [0, 1, 0]], lambda t: t[..., None]])
def test_a_vector_has_as_many_numbers_as_the_task_has_outputs(targets):
    class Wrong(LastTwo):
        def sample(self, key, batch_size, length):
            batch = super().sample(key, batch_size, length)
            return batch._replace(targets=targets(batch.targets))

    with pytest.raises(TaskError, match=naming("targets", "(2, 10, 2)")):
        require_task(Wrong())


# The registry


def test_every_task_of_the_package_is_found_by_its_name():
    assert all(task_named(name) is task and task.name == name for name, task in TASKS.items())
    assert all(isinstance(task(), Task) for task in TASKS.values())


def test_an_unknown_name_is_refused_with_those_that_are_known():
    with pytest.raises(TaskError, match=naming("'ecko'", "echo", "memoryspan info")):
        task_named("ecko")
