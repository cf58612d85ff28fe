"""The examples learn."""

import re
from pathlib import Path

import pytest

from memoryspan import Budget, evaluate, train
from memoryspan.models import make_model
from memoryspan.spec import Spec
from memoryspan.tasks import Echo, make_task

ROOT = Path(__file__).parent.parent


def test_the_example_of_a_task_is_learned():
    task = make_task(Spec(f"{ROOT}/examples/own_task.py:Again", {"length": 4, "n_features": 6}))
    model = make_model(Spec("lstm", {"units": 16}), task, 0)
    result = train(model, task, seed=0, budget=Budget(examples=60_000))
    assert result.solved
    assert evaluate(model, task).interval[0] > task.chance


def test_the_documentation_shows_the_task_of_the_example():
    shown, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "docs/own-task.md").read_text(), re.DOTALL)
    assert shown in (ROOT / "examples/own_task.py").read_text()


def test_the_chance_of_the_example_is_a_guessers():
    task = make_task(Spec(f"{ROOT}/examples/own_task.py:Again", {"length": 12}))
    assert task.chance == pytest.approx(1 - (1 - 1 / 16) ** 11)


def test_the_example_of_a_model_learns():
    task = Echo(4, 5, 1)
    model = make_model(Spec(f"{ROOT}/examples/own_model.py:leaky", {"units": 20}), task, 0)
    result = train(model, task, seed=0, budget=Budget(examples=60_000))
    assert result.engine == "keras"
    assert result.history[-1].accuracy > 0.6
