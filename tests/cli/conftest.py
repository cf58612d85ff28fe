import json
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from memoryspan.cli.main import main


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def ctrl_c():
    """The entry point takes Ctrl-C for the rest of a process, which here goes on."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def memoryspan(capsys, monkeypatch):
    """Runs a command line in this process, as the entry point does."""

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["memoryspan", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        return Answer(int(exit_.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def solved(tmp_path_factory) -> Path:
    """The directory of a run on a short task, trained by the command."""
    directory = tmp_path_factory.mktemp("runs") / "solved"
    arguments = ["train", "--length", "6", "--features", "10", "--units", "16", "--run", str(directory), "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["memoryspan", *arguments])
        with pytest.raises(SystemExit, match="0"):
            main()
    return directory
