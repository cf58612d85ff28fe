import json
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from memoryspan.cli.main import main
from memoryspan.interrupt import SIGNALS


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def ended(*arguments: str | Path) -> int:
    """Call the entry point with a command line, and return the exit code.

    The entry point takes the signals for the rest of a process, which here continues.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["memoryspan", *map(str, arguments)])
            with pytest.raises(SystemExit) as exit_:
                main()
        return int(exit_.value.code or 0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def memoryspan(capsys):
    """Runs a command line in this process, as the entry point does."""

    def run(*arguments: str | Path) -> Answer:
        capsys.readouterr()
        code = ended(*arguments)
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def solved(tmp_path_factory) -> Path:
    """The directory of a run on a short task, trained by the command."""
    directory = tmp_path_factory.mktemp("runs") / "solved"
    assert ended("train", "--length", "6", "--features", "10", "--units", "16", "--run", directory, "--json") == 0
    return directory
