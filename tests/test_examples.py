"""What the examples and the documentation show, done as they say."""

import re
from pathlib import Path

import click
import pytest

from memoryspan import Budget, evaluate, train
from memoryspan.cli.main import cli
from memoryspan.models import MODELS, make_model
from memoryspan.named import Named
from memoryspan.tasks import TASKS, Echo, make_task

ROOT = Path(__file__).parent.parent
DOCS = {path.name: path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
EXAMPLES = {path.name: path.read_text() for path in (ROOT / "examples").glob("*.py")}


def test_the_example_of_a_task_is_learned():
    task = make_task(Named(f"{ROOT}/examples/own_task.py:Again", {"length": 4, "n_features": 6}))
    model = make_model(Named("lstm", {"units": 16}), task, 0)
    result = train(model, task, seed=0, budget=Budget(examples=60_000))
    assert result.solved
    assert evaluate(model, task).interval[0] > task.chance


def test_the_chance_of_the_example_is_a_guessers():
    task = make_task(Named(f"{ROOT}/examples/own_task.py:Again", {"length": 12}))
    assert task.chance == pytest.approx(1 - (1 - 1 / 16) ** 11)


def test_the_example_of_a_model_learns():
    task = Echo(4, 5, 1)
    model = make_model(Named(f"{ROOT}/examples/own_model.py:leaky", {"units": 20}), task, 0)
    result = train(model, task, seed=0, budget=Budget(examples=60_000))
    assert result.path == "keras"
    assert result.history[-1].accuracy > 0.6


def test_command_lines_are_found():
    assert len(command_lines("spans.md")) >= 3
    assert len(command_lines("own_model.py")) == 3


def test_every_task_and_model_stands_in_the_readme():
    assert {name for name in (*TASKS, *MODELS) if f"`{name}`" not in DOCS["README.md"]} == set()


def command_lines(name):
    """Those in fenced blocks of a page, and those that are indented in an example."""
    blocks = re.findall(r"```sh\n(.*?)```", DOCS[name], re.DOTALL) if name in DOCS else [EXAMPLES[name]]
    return re.findall(r"^ *(memoryspan [a-z].*?)(?:  #.*)?$", "\n".join(blocks), re.MULTILINE)


@pytest.mark.parametrize("name", sorted(DOCS | EXAMPLES))
def test_the_command_lines_that_are_shown_have_the_options_that_they_use(name):
    for line in command_lines(name):
        _, command, *arguments = line.split()
        known = cli.get_command(click.Context(cli), command)
        assert known is not None, line
        options = {option for parameter in known.params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= options, line


@pytest.mark.parametrize("name", sorted(DOCS))
def test_the_links_lead_somewhere(name):
    home = ROOT if name == "README.md" else ROOT / "docs"
    for path in re.findall(r"\]\(([^)#:]+)\)", DOCS[name]):
        assert (home / path).exists(), path
