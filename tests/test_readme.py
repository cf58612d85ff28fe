import subprocess
import sys
from pathlib import Path

import pytest

from memoryspan.cli.main import COMMANDS
from memoryspan.models import MODELS
from memoryspan.tasks import TASKS
from tests import pages

README = pages.PAGES["README.md"].read_text()


def test_the_readmes_python_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)  # it trains for long
    monkeypatch.setenv("PYTHONPATH", str(Path(pages.__file__).parent))
    code = (
        "import pages, pathlib; names = pages.run('README.md', pathlib.Path()); "
        "print(names['result'].solved, names['sequence'][2])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    solved, asked = done.stdout.splitlines()[-1].split()
    assert solved == "True"
    assert f"\n{asked} {asked}\n" in done.stdout


def test_the_readme_shows_every_command():
    assert {name for name, *_ in pages.command_lines_in_sentences("README.md")} >= set(COMMANDS)


@pytest.mark.parametrize("name", [*TASKS, *MODELS])
def test_every_task_and_model_stands_in_the_readme(name):
    assert f"`{name}`" in README


LONG = (["train", "--length", "4000"], ["span", "--model", "lstm", "--model", "gru"])
"""Command lines that take minutes."""


@pytest.mark.slow
def test_a_first_reader_can_type_the_commands_one_after_the_other(tmp_path):
    lines = [line for line in pages.command_lines_in_sentences("README.md") if line not in LONG and line[1:]]
    places = {"RUN": "runs/first", "my_model.keras": "runs/first/model.keras"}
    ready = [line for line in lines if line[0] != "reproduce" and "SWEEP" not in line and "--help" not in line]
    typed = [[places.get(word, word) for word in line] for line in ready]
    for line in (["tutorial"], ["train", "--run", "runs/first"], *typed):
        command = [sys.executable, "-m", "memoryspan", *line]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stderr)
        assert "Traceback" not in done.stderr
    assert {line[0] for line in typed} == set(COMMANDS) - {"tutorial", "reproduce"}
