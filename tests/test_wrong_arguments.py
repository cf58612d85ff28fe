"""Whatever the public functions are given, they do it, or raise an error that says what to give instead."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np
import pytest

import memoryspan
from memoryspan import Budget, Curriculum, Echo, GradientGuard, StepDecay, UniformLengths, layers, lstm, models, tasks
from memoryspan.errors import MemoryspanError
from memoryspan.spec import Spec
from memoryspan.tasks import TASKS
from memoryspan.training import TrainConfig

WRONG = (None, "a", "", -1, 0, 0.5, math.nan, math.inf, 10**400, 10**5000, [], {}, object(), b"x", Echo, print, True)
"""Values of all kinds. Some are right in some places."""

COSTLY = (None, "a", -1, 10**400, [], Echo)
"""Fewer, for functions that compile where one of them happens to be right."""

TASK = Echo(length=4, n_features=5, out_index=1)


@pytest.fixture(scope="module")
def model():
    return lstm(TASK, units=3, seed=0)


def raw_errors(function: Callable, right: Mapping[str, Any], values: Iterable[Any] = WRONG) -> list[str]:
    """Call a function with each of its arguments wrong in turn; return the errors that are no `MemoryspanError`."""
    calls: list[dict[str, Any]] = [{**right, "nonsense": 1}, *({k: right[k] for k in right if k != n} for n in right)]
    parameters = inspect.signature(function).parameters.values()
    names = [each.name for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
    calls += [{**right, name: value} for name in names for value in values]
    return [error for call in calls if (error := _raw_error(function, call))]


def _raw_error(function: Callable, arguments: Mapping[str, Any]) -> str | None:
    try:
        function(**arguments)
    except MemoryspanError:
        return None
    except Exception as error:
        given = {name: value for name, value in arguments.items() if value != 10**5000}
        return f"{function.__name__}({given}): {type(error).__name__}: {error}"
    return None


@pytest.mark.parametrize("name", TASKS)
def test_a_task_refuses_wrong_settings(name):
    assert raw_errors(TASKS[name], {}) == []


@pytest.mark.parametrize("kind", [Budget, StepDecay, GradientGuard])
def test_a_configuration_refuses_wrong_settings(kind):
    assert raw_errors(kind, {}) == []


def with_known_settings(kind: Callable) -> Callable:
    """The same of msgspec, which refuses names that it does not know in a sentence of its own."""

    def make(**settings):
        return kind(**{name: value for name, value in settings.items() if name != "nonsense"})

    make.__signature__ = inspect.signature(kind)  # pyright: ignore[reportFunctionMemberAccess]
    return make


@pytest.mark.parametrize("kind", [TrainConfig, Curriculum])
def test_a_struct_refuses_wrong_settings(kind):
    assert raw_errors(with_known_settings(kind), {}) == []


def test_uniform_lengths_have_a_minimum():
    assert [_raw_error(UniformLengths, {"min_length": value}) for value in WRONG] == [None] * len(WRONG)


def test_names_of_tasks_and_models_are_words():
    assert raw_errors(tasks.task_named, {"name": "echo"}) == []
    assert raw_errors(models.model_named, {"name": "lstm"}) == []
    assert raw_errors(tasks.make_task, {"named": Spec("echo")}) == []
    assert raw_errors(tasks.spec_of, {"task": TASK}) == []
    assert raw_errors(models.with_defaults, {"named": Spec("lstm")}) == []
    assert [_raw_error(Budget.parse, {"text": text}) for text in (*WRONG, "9" * 400, "5k k")] == [None] * 19


@pytest.mark.parametrize("name", ["echo", "adding", "recall"])
def test_a_task_samples_with_a_key_a_number_and_a_length_that_it_has(name):
    task, key = TASKS[name](), jax.random.key(0)
    right = {"key": key, "batch_size": 2, "length": task.length}
    calls = [{**right, argument: value} for argument in right for value in WRONG]
    assert [error for call in calls if (error := _raw_error(task.sample, call))] == []
    for length in (-1, task.length + 1, np.array([task.length, -1])):
        with pytest.raises(MemoryspanError, match="length"):
            task.sample(key, 2, length)  # pyright: ignore[reportArgumentType]


def test_the_sentence_is_that_of_the_command_line():
    with pytest.raises(MemoryspanError, match="Echo has no setting n_symbols: it has length, n_features, out_index"):
        Echo(n_symbols=3)  # pyright: ignore[reportCallIssue]


@pytest.mark.slow
@pytest.mark.parametrize("name", models.MODELS)
def test_a_builder_refuses_wrong_settings(name):
    assert raw_errors(models.MODELS[name], {"task": TASK, "units": 3}, (*COSTLY, math.nan, 0.5)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MinGRU", "MinLSTM", "LRU", "CausalConv", "CausalSelfAttention"])
def test_a_layer_refuses_wrong_arguments(name):
    """Names are Keras's own to refuse, and to miss."""
    kind = getattr(layers, name)
    parameters = inspect.signature(kind).parameters.values()
    right = {each.name: 4 for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD}
    calls = [{**right, each.name: v} for each in parameters if each.kind is not each.VAR_KEYWORD for v in WRONG]

    def make(**arguments):
        return kind(**arguments)(np.zeros((1, 2, 4), "float32"))

    assert [error for call in calls if (error := _raw_error(make, call))] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("evaluate", {"task": TASK, "examples": 4}),
        ("predict", {"sequences": [1, 2, 3, 4]}),
        ("trace", {"sequences": [1, 2, 3, 4]}),
        ("saliency", {"sequences": [1, 2, 3, 4]}),
        ("held_span", {"task": TASK, "max_length": 4}),
        ("memory_capacity", {}),
        ("forward", {}),
        ("variables_of", {}),
    ],
)
def test_a_function_of_a_model_refuses_wrong_arguments(model, name, right):
    assert raw_errors(getattr(memoryspan, name), {"model": model, **right}, COSTLY) == []


@pytest.mark.slow
def test_a_training_refuses_wrong_settings(model):
    right = {"model": model, "task": TASK, "budget": Budget(examples=320)}
    wrong = {"seed": "a", "batch_size": -1, "budget": 1000, "schedule": 3, "threshold": None, "on_chunk": 3}
    calls = [{**right, name: value} for name, value in wrong.items()]
    calls += [{**right, name: value} for name in ("model", "task", "callbacks") for value in (None, "a", 3)]
    assert [error for call in calls if (error := _raw_error(memoryspan.train, call))] == []
    assert raw_errors(memoryspan.train, right, ()) == []
    together = {"models": [model], "task": TASK, "seeds": [0], "budget": Budget(examples=320)}
    wrong = {"models": 3, "task": None, "seeds": ["a"], "on_chunk": None, "budget": 1000}
    calls = [{**together, name: value} for name, value in wrong.items()] + [{**together, "models": [1]}]
    assert [error for call in calls if (error := _raw_error(memoryspan.train_seeds, call))] == []
    assert raw_errors(memoryspan.train_seeds, together, ()) == []


def test_an_error_does_not_repeat_all_of_a_long_value(model):
    with pytest.raises(MemoryspanError) as found:
        memoryspan.train(model, TASK, budget=Curriculum())  # pyright: ignore[reportArgumentType]
    assert len(str(found.value)) < 250


def test_the_functions_of_the_tutorial_refuse_wrong_arguments():
    for name, right in (
        ("generate_sequence", {"length": 3, "n_features": 4}),
        ("generate_example", {"length": 3, "n_features": 4, "out_index": 1}),
        ("one_hot_encode", {"sequence": [1, 2], "n_features": 4}),
        ("one_hot_decode", {"encoded": np.eye(4)}),
    ):
        assert raw_errors(getattr(memoryspan, name), right) == []
