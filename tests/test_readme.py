import re
from pathlib import Path

import click
import pytest

from memoryspan.backend import keras
from memoryspan.cli.main import COMMANDS, cli

README = (Path(__file__).parent.parent / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMAND_LINES = re.findall(r"`(memoryspan [a-z][^`]*)`", README)


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_the_readmes_python_runs(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)  # the initial weights of `vanilla_lstm()`
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert capsys.readouterr().out
    if "sequence" in names:
        assert names["result"].solved
        assert names["predict"](names["model"], names["sequence"]) == names["sequence"][2]


def test_the_readme_shows_every_command():
    assert {line.split()[1] for line in COMMAND_LINES} == set(COMMANDS)


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_the_options_in_the_readmes_command_lines_exist(line):
    _, name, *arguments = line.split()
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= known


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_the_readmes_links_lead_somewhere(path):
    assert (Path(__file__).parent.parent / path).exists()
