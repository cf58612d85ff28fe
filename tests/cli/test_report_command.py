import re
import shutil
import subprocess
import sys
import webbrowser

import pytest

from memoryspan.sweeps.manifest import new_manifest, write_manifest
from tests.messages import names
from tests.sweeps.tiny_sweep import TINY, TinyConfig


@pytest.fixture
def run(solved, tmp_path):
    """A copy of a run, of which nobody has measured yet how far it holds."""
    return shutil.copytree(solved, tmp_path / "run", ignore=shutil.ignore_patterns("held-span.json"))


def test_a_run_gets_a_page_and_the_next_one_takes_its_place(memoryspan, run):
    first = memoryspan("report", run)
    assert first.code == 0, first.err
    (said,) = first.out.splitlines()
    assert names(said, run / "report.html")
    before = (run / "report.html").read_text()
    assert re.search(r'"held":\s*\{', before)
    assert (run / "held-span.json").exists()
    again = memoryspan("report", run)
    assert again.code == 0
    assert (run / "report.html").read_text() == before


def test_a_span_that_was_measured_is_not_measured_again(memoryspan, run):
    assert memoryspan("span", run, "--max-length", "300").code == 0
    kept = (run / "held-span.json").read_bytes()
    assert memoryspan("report", run).code == 0
    assert (run / "held-span.json").read_bytes() == kept


def test_how_far_the_page_looks_does_not_depend_on_the_command_that_was_first(memoryspan, run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    assert memoryspan("span", run, "--max-length", "7").code == 0
    for place in (run, other):
        assert memoryspan("report", place).code == 0
    assert (run / "held-span.json").read_bytes() == (other / "held-span.json").read_bytes()


def test_a_damaged_span_is_reported_and_measured_again(memoryspan, run):
    (run / "held-span.json").write_text('{"format": 2, "memoryspan": "1", "curve": []}')
    answer = memoryspan("report", run)
    assert answer.code == 0
    assert names(answer.err, run / "held-span.json")
    before = (run / "held-span.json").read_bytes()
    again = memoryspan("report", run)
    assert (again.code, again.err) == (0, "")
    assert (run / "held-span.json").read_bytes() == before


def test_a_page_of_a_sweep_of_an_unknown_kind_is_refused(memoryspan, tmp_path):
    write_manifest(tmp_path, new_manifest(TINY, TinyConfig((1,))))
    for command in ("report", "info"):
        answer = memoryspan(command, tmp_path)
        assert answer.code == 2
        assert names(answer.err, tmp_path, "memoryspan tiny")


def test_another_file_is_not_replaced(memoryspan, run, tmp_path):
    mine = tmp_path / "mine.html"
    mine.write_text("<p>mine</p>")
    answer = memoryspan("report", run, "-o", mine)
    assert (answer.code, mine.read_text()) == (2, "<p>mine</p>")
    assert names(answer.err, mine, "-o")


def test_a_page_is_written_as_html_and_nothing_else(memoryspan, run, tmp_path):
    answer = memoryspan("report", run, "-o", tmp_path / "page.pdf")
    assert (answer.code, list(tmp_path.glob("*.pdf"))) == (2, [])
    assert names(answer.err, ".html", tmp_path / "page.pdf")
    answer = memoryspan("report", run / "model.keras")
    assert answer.code == 2
    assert names(answer.err, run / "model.keras")


@pytest.mark.parametrize(
    "arguments", [("nowhere",), ("nowhere", "-o", "nowhere/report.html"), ("nowhere", "-o", "a.html")]
)
def test_what_is_no_run_and_no_sweep_is_refused(memoryspan, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = memoryspan("report", *arguments)
    assert answer.code == 2
    assert names(answer.err, "no run and no sweep", "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_has_a_page_with_its_table(memoryspan, tmp_path):
    asked = (
        "--model",
        "lstm,units=3",
        "--task",
        "echo,n_features=3",
        "--seeds",
        "1",
        "--budget",
        "320",
        "--max-length",
        "4",
    )
    assert memoryspan("span", *asked, "--workers", "1", "--dir", tmp_path / "sweep").code == 0
    answer = memoryspan("report", tmp_path / "sweep", "-o", tmp_path / "page.html")
    assert answer.code == 0, answer.err
    assert names((tmp_path / "page.html").read_text(), "1 of 1")
    assert memoryspan("report", tmp_path / "sweep", "--task", "echo").code == 2


def test_the_page_has_an_address_to_click_and_opens_in_the_browser(memoryspan, solved, tmp_path, monkeypatch):
    page, opened = tmp_path / "my page.html", tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    command = [sys.executable, "-m", "memoryspan", "report", str(solved), "-o", str(page), "--open"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert out == f"The page is in {page}: {page.as_uri()}\n"
    assert opened.read_text() == f"{page.as_uri()}\n"


def test_where_there_is_no_browser_that_is_said_and_the_page_is_there(memoryspan, solved, tmp_path, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    answer = memoryspan("report", solved, "-o", tmp_path / "page.html", "--open")
    assert answer.code == 0
    assert names(answer.err, "browser")
    assert names(answer.out, (tmp_path / "page.html").as_uri())
