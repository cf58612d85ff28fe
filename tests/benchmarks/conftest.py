import json
import sys

import pytest


@pytest.fixture
def typed(monkeypatch, capsys):
    """Runs `python -m benchmarks.…` in this process, and returns its exit code and its output, or its JSON."""

    def run(module, *arguments):
        monkeypatch.setattr(sys, "argv", [module.__file__, *arguments])
        with pytest.raises(SystemExit) as left:
            module.main()
        printed = capsys.readouterr()
        if left.value.code or "--json" not in arguments:
            return left.value.code, printed.out + printed.err
        return left.value.code, json.loads(printed.out)

    return run
