"""What a page of the documentation shows: its blocks, run in order as a reader would, and its command lines.

All blocks of Python and all command lines of `memoryspan` in blocks of sh are run, but for those under a comment
`<!-- not run: why -->`; a block that stands in front of its output, or is of another kind, is only shown.
"""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import click

from memoryspan.backend import keras
from memoryspan.cli.main import cli

ROOT = Path(__file__).parent.parent
PAGES = {path.name: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
EXAMPLES = {path.name: path for path in sorted((ROOT / "examples").glob("*.py"))}

_BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^ *(memoryspan (?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)
_OPERATORS = set("<>|&;")


class Block(NamedTuple):
    language: str
    code: str
    line: int
    """Of the page, on which its code begins."""
    runs: bool


def blocks(text: str) -> list[Block]:
    return [
        Block(match[2], match[3], text.count("\n", 0, match.start(3)) + 1, match[1] is None)
        for match in _BLOCK.finditer(text)
    ]


def command_lines(name: str) -> list[list[str]]:
    """The arguments of each command line in the blocks of a page, or in an example's docstring."""
    if name in EXAMPLES:
        return _command_lines(EXAMPLES[name].read_text())
    shown = [block.code for block in blocks(PAGES[name].read_text()) if block.language == "sh"]
    return [line for code in shown for line in _command_lines(code)]


def command_lines_in_sentences(name: str) -> list[list[str]]:
    return [_arguments(line) for line in re.findall(r"`(memoryspan [^`\n]+)`", PAGES[name].read_text())]


def _command_lines(code: str) -> list[list[str]]:
    return [_arguments(line) for line in _COMMAND.findall(code)]


def _arguments(line: str) -> list[str]:
    """Without a comment, and without what the shell does with the rest."""
    words = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars="<>|&;")
    words.whitespace_split = True
    arguments = []
    for word in words:
        if set(word) <= _OPERATORS:
            break
        arguments.append(word)
    return arguments[1:]


def parse(arguments: list[str], *, in_full: bool = True) -> None:
    """Reads a command line as the command does, which raises `click.UsageError`; not `in_full`: something may lack."""
    name, *rest = ["", *arguments] if arguments[0].startswith("-") else arguments
    group = click.Context(cli, **cli.context_settings)  # a command remembers by which options it was asked for help
    command = cli.get_command(group, name) if name else cli
    assert command is not None, f"there is no command {name}"
    try:
        command.make_context(name, rest, parent=group if name else None)
    except click.exceptions.Exit:  # --help, --version
        pass
    except click.MissingParameter:
        if in_full:
            raise


def run(name: str, directory: Path) -> dict:
    """Runs a page in a directory, in which `examples` lie as in a clone; returns the names that its Python gave."""
    (directory / "examples").symlink_to(ROOT / "examples")
    keras.utils.set_random_seed(1)  # of `vanilla_lstm()`: one of those with which the README's training is soon over
    names: dict = {"__name__": "__main__"}
    for block in blocks(PAGES[name].read_text()):
        if not block.runs:
            continue
        if block.language == "python":
            code = "\n" * (block.line - 1) + block.code
            exec(compile(code, PAGES[name], "exec"), names)
        if block.language == "sh":
            for arguments in _command_lines(block.code):
                code = cli(arguments, standalone_mode=False)
                assert not code, f"{name}, line {block.line}: memoryspan {shlex.join(arguments)} ended with {code}"
    return names
