import pages
import pytest

from memoryspan.cli.main import COMMANDS
from memoryspan.models import MODELS
from memoryspan.tasks import TASKS

README = pages.PAGES["README.md"].read_text()


def test_the_readmes_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = pages.run("README.md", tmp_path)
    assert names["result"].solved
    asked = names["sequence"][2]
    assert f"\n{asked} {asked}\n" in capsys.readouterr().out


def test_the_readme_shows_every_command():
    assert {name for name, *_ in pages.command_lines_in_sentences("README.md")} >= set(COMMANDS)


@pytest.mark.parametrize("name", [*TASKS, *MODELS])
def test_every_task_and_model_stands_in_the_readme(name):
    assert f"`{name}`" in README
