"""A third kind of sweep: all that a sweep does, it does for a kind that `sweeps/` has never seen."""

import csv
import re
from collections import Counter

import pytest

from memoryspan.cli.sweeping import run_and_show
from memoryspan.errors import RunError
from memoryspan.report.page.html import as_html
from memoryspan.report.page.sweep import sweep_page
from memoryspan.sweeps.executors import make_workers
from memoryspan.sweeps.run import run_trials
from memoryspan.sweeps.sweep import open_for_writing, pending, read_sweep
from tests.sweeps.tiny_sweep import TINY, TinyConfig


def run(directory, config, where=None, retry_failed=False) -> list[int]:
    """Run what is pending, and return the numbers that were run."""
    seen = []
    with open_for_writing(directory, TINY, config) as sweep, make_workers(where, 1, 9) as workers:
        run_trials(sweep, pending(sweep, retry_failed), workers, lambda found: seen.append(found.trial.number))
    return sorted(seen)


@pytest.mark.parametrize("where", [None, pytest.param("dask", marks=pytest.mark.slow)])
def test_it_runs_resumes_and_retries(tmp_path, where, monkeypatch):
    monkeypatch.setenv("ALLOWED", str(tmp_path / "allowed"))
    place = tmp_path / "sweep"
    assert run(place, TinyConfig((2, -3)), where) == [-3, 2]
    assert run(place, TinyConfig((2, -3, 5)), where) == [5]
    failed = [found.trial.number for found in read_sweep(place, TINY).completed if found.failure]
    assert failed == [-3]
    (tmp_path / "allowed").touch()
    assert run(place, None, where, retry_failed=True) == [-3]
    sweep = read_sweep(place, TINY)
    assert [found.result and found.result.square for found in sweep.completed] == [4, 9, 25]
    assert sweep.manifest.config == TinyConfig((2, -3, 5))
    rows = list(csv.DictReader((place / "results.csv").read_text().splitlines()))
    assert rows == [{"number": str(n), "square": str(n * n), "error": ""} for n in (2, -3, 5)]


def test_its_page_has_its_columns(tmp_path):
    run(tmp_path / "sweep", TinyConfig((2, -3)))
    page = sweep_page(read_sweep(tmp_path / "sweep", TINY))
    assert [column["name"] for column in page.data["columns"]] == ["number", "square", "error"]
    assert [[cell["text"] for cell in row] for row in page.data["rows"]] == [
        ["2", "4", ""],
        ["-3", "", "ValueError: a negative number"],
    ]
    assert "squares" in as_html(page)


def test_a_command_runs_and_shows_it(tmp_path, capsys):
    how = {"retry_failed": False, "workers": 1, "executor": None, "quiet": False, "as_json": False}
    assert run_and_show(str(tmp_path / "sweep"), TinyConfig((2, 30)), TINY, **how) == 0
    shown = capsys.readouterr().out
    assert re.search(r"30 +900", shown)
    assert run_and_show(str(tmp_path / "sweep"), None, TINY, **how) == 0
    assert Counter(shown.split())["900"] == Counter(capsys.readouterr().out.split())["900"]


def test_settings_that_leave_a_result_out_are_refused(tmp_path):
    run(tmp_path / "sweep", TinyConfig((2, 3)))
    with pytest.raises(RunError, match="numbers"):
        run(tmp_path / "sweep", TinyConfig((3,)))
