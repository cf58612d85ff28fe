"""Command lines drawn at random: each ends with an exit code that is documented, and none in a traceback.

The values of an option follow from its type. Commands that would train for long are sent to a directory that is taken.
"""

import io
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from memoryspan.cli.main import COMMANDS, cli

NINES = "9" * 400

NUMBERS = ("-1", "0", "1", "2", "3", "6", "64", "1000", "99999999999", NINES, "ten", "", "1e3", "0x10", "nan")
REALS = ("-1", "0", "0.5", "1", "0.995", "nan", "inf", "-inf", "1e400", "x", "")
COUNTS = ("0", "1", "15k", "1M", "-3", NINES, "k", "1.5", "nan")
SPECS = (
    *("echo", "echo,length=6,n_features=4", "echo,out-index=9", "copy,n_copied=0", "adding", "recall,n_pairs=9999999"),
    *(
        "lstm",
        "lstm,units=3",
        "lstm,units=0",
        "lstm,layers=1000",
        "tcn,layers=60",
        "gru,seed=x",
        "transformer,heads=-1",
    ),
    *("nope", "", ",", "=", "echo,length", "echo,=3", "echo,length=nan", "lstm,parameters=1", f"lstm,units={NINES}"),
    *("none.py:build", "none.py", ":", "os:getcwd", "json:nothing", "\x1b[31m", "é,ö=1", "lstm,units=3,units=4"),
)
WORDS = ("", "320", "1s", "20Mtok", "much", "-5", NINES, "1e9", "0s", "[", "1,2,3", "[[1,2],[3]]", "-", "\x1b[2J", "ö")
PLACES = ("", "missing", "taken", "run", "run/model.keras", "file.txt", ".", "out.html", "out.png", "a/b/c", "\x1b[2J")
NOISE = ("--nope", "-x", "--", "--help", "-h", "--seed=", "--length=3=4", "\U0001f642")

CHEAP = {"train": ("--run", "taken"), "span": ("--dir", "taken"), "reproduce": ("--dir", "taken")}
"""What keeps a command from training."""


def values_of(option: click.Parameter) -> tuple[str, ...]:
    """Values for an option: some right, most wrong."""
    if isinstance(option.type, click.Choice):
        return (*option.type.choices, "", "x")
    by_type = {"integer": NUMBERS, "integer range": NUMBERS, "float": REALS, "count": COUNTS, "path": PLACES}
    return by_type.get(option.type.name, SPECS if option.type.name.startswith("name[") else WORDS)


def command_lines(seed: int, count: int) -> Iterator[list[str]]:
    """Draw command lines."""
    draw = random.Random(seed)
    for _ in range(count):
        name = draw.choice(list(COMMANDS))
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        arguments = []
        for parameter in command.params:
            if isinstance(parameter, click.Argument):
                arguments += draw.choices(PLACES, k=draw.choice((0, 1, 1, 1, 2)))
        for option in draw.sample(command.params, k=min(len(command.params), draw.randrange(5))):
            if isinstance(option, click.Option):
                arguments.append(draw.choice(option.opts))
                arguments += [] if option.is_flag else [draw.choice(values_of(option))]
        arguments += draw.choices(NOISE, k=draw.random() < 0.1)
        yield [name, *arguments, *CHEAP.get(name, ())]


@pytest.fixture
def folder(tmp_path, monkeypatch, solved) -> Path:
    """A working directory with a run, a directory that is taken, and a file."""
    shutil.copytree(solved, tmp_path / "run")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "other.txt").touch()
    (tmp_path / "file.txt").write_text("nothing")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(memoryspan, monkeypatch, arguments: list[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"1,2,3\n")))
    began = time.process_time()
    answer = memoryspan(*arguments)
    assert answer.code in (0, 1, 2, 130), arguments
    assert "Traceback" not in answer.err, arguments
    assert "\x1b[2J" not in answer.out + answer.err, arguments
    assert answer.code != 2 or len(answer.err) < 3000, arguments
    assert time.process_time() - began < 60, arguments


@pytest.mark.usefixtures("folder")
def test_a_few_command_lines_end_with_a_documented_exit_code(memoryspan, monkeypatch):
    for arguments in command_lines(seed=1, count=30):
        check(memoryspan, monkeypatch, arguments)


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("seed", range(2, 17))
def test_many_command_lines_end_with_a_documented_exit_code(memoryspan, monkeypatch, seed):
    for arguments in command_lines(seed, count=100):
        check(memoryspan, monkeypatch, arguments)
