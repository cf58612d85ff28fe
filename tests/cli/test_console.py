import ast
from pathlib import Path

import pytest
from rich.table import Table

from memoryspan.cli.console import console
from memoryspan.cli.table import as_rich
from memoryspan.tables import TextTable

ROOT = Path(__file__).parents[2]

HARD = "[/usr/lib] [red]red[/red] [bold] a[/b]/c :key: $x$"
"""Text that rich would refuse, swallow or replace if it were markup."""


@pytest.mark.parametrize("terminal", ["0", "1"])
def test_text_is_printed_as_it_is_on_a_terminal_and_elsewhere(terminal, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    console(width=200).print(HARD, soft_wrap=True)
    assert capsys.readouterr().out == f"{HARD}\n"


def test_text_is_shown_as_it_is_in_a_table_its_titles_and_its_caption(capsys):
    table = Table(HARD, title=HARD)
    table.add_row(HARD)
    console(width=200).print(table)
    console(width=200).print(as_rich(TextTable([HARD], 1, [[HARD]])))
    assert capsys.readouterr().out.count(HARD) == 5


def calls() -> list[tuple[Path, str, ast.Call]]:
    """Every call of a plain name in the package and beside it: the file, the name, the call."""
    files = [path for folder in ("src", "benchmarks", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]
    found = [(path, node) for path in files for node in ast.walk(ast.parse(path.read_text()))]
    calls = [(path, node.func, node) for path, node in found if isinstance(node, ast.Call)]
    return [(path, function.id, call) for path, function, call in calls if isinstance(function, ast.Name)]


def test_every_console_of_rich_is_made_in_one_place():
    assert {path.name for path, name, _ in calls() if name == "Console"} == {"console.py"}


def test_no_text_in_a_bar_is_markup():
    """Columns of text decide that by themselves, whatever the console."""
    columns = [call for _, name, call in calls() if name == "TextColumn"]
    settings = [{setting.arg: ast.literal_eval(setting.value) for setting in call.keywords} for call in columns]
    assert settings
    assert all(each.get("markup") is False for each in settings)
    descriptions = [call.args[1] for _, name, call in calls() if name == "track"]
    assert all(isinstance(each, ast.Call) and ast.unparse(each.func) == "escape" for each in descriptions)
