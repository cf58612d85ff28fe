import shutil

import pytest


@pytest.fixture
def run(solved, tmp_path):
    """A copy of a run, of which nobody has measured yet how far it holds."""
    return shutil.copytree(solved, tmp_path / "run", ignore=shutil.ignore_patterns("held-span.json"))


def test_a_run_gets_a_page_and_the_next_one_takes_its_place(memoryspan, run):
    first = memoryspan("report", run)
    assert first.code == 0, first.err
    assert first.out == f"The page is in {run / 'report.html'}: open it in a browser.\n"
    before = (run / "report.html").read_text()
    assert "How far it holds" in before
    assert (run / "held-span.json").exists()
    again = memoryspan("report", run)
    assert again.code == 0
    assert (run / "report.html").read_text() == before


def test_a_span_that_was_measured_is_not_measured_again(memoryspan, run):
    assert memoryspan("span", run, "--max-length", "7").code == 0
    kept = (run / "held-span.json").read_bytes()
    assert memoryspan("report", run).code == 0
    assert (run / "held-span.json").read_bytes() == kept
    assert "7 time steps" in (run / "report.html").read_text()


def test_another_file_is_not_replaced(memoryspan, run, tmp_path):
    mine = tmp_path / "mine.html"
    mine.write_text("<p>mine</p>")
    answer = memoryspan("report", run, "-o", mine)
    assert (answer.code, mine.read_text()) == (2, "<p>mine</p>")
    assert "is not such a page" in answer.err


def test_a_page_is_written_as_html_and_nothing_else(memoryspan, run, tmp_path):
    answer = memoryspan("report", run, "-o", tmp_path / "page.pdf")
    assert (answer.code, list(tmp_path.glob("*.pdf"))) == (2, [])
    assert "is written as .html" in answer.err
    answer = memoryspan("report", run / "model.keras")
    assert answer.code == 2
    assert "is made of the directory" in answer.err


@pytest.mark.parametrize(
    "arguments", [("nowhere",), ("nowhere", "-o", "nowhere/report.html"), ("nowhere", "-o", "a.html")]
)
def test_what_is_no_run_and_no_sweep_is_refused(memoryspan, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = memoryspan("report", *arguments)
    assert answer.code == 2
    assert "nowhere" in answer.err
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
    assert memoryspan("span", *asked, "--workers", "1", "--run", tmp_path / "sweep").code == 0
    answer = memoryspan("report", tmp_path / "sweep", "-o", tmp_path / "page.html")
    assert answer.code == 0, answer.err
    assert "1 of 1 trainings are answered" in (tmp_path / "page.html").read_text()
    assert memoryspan("report", tmp_path / "sweep", "--task", "echo").code == 2
