import io

import pytest

from memoryspan.cli import live
from memoryspan.cli.console import console
from memoryspan.cli.live import training
from memoryspan.models import lstm
from memoryspan.report.views import view_of
from memoryspan.sweeps.client import lost
from memoryspan.sweeps.sweep import open_for_writing, save
from memoryspan.tables import TextTable
from memoryspan.tasks import Echo
from memoryspan.training import Curriculum, HistoryRow, TrainSnapshot
from memoryspan.training.state import initial_state
from tests.sweeps.tiny_sweep import TINY, TinyConfig


@pytest.fixture
def on_a_terminal(monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "150")


def test_the_live_line_shows_where_the_training_stands_in_place_of_what_it_waited_for(on_a_terminal, capsys):
    with training(3, 50) as show:
        pass
    assert live.COMPILING in capsys.readouterr().err
    with training(3, 50) as show:
        state = initial_state(lstm(Echo(), seed=0), Curriculum().start(3, 50))
        show(TrainSnapshot(state, HistoryRow(10, 320, 960, 0, 0.1, 12, 0.5, 1.0)))
    last = capsys.readouterr().err.rpartition(live.COMPILING)[2]
    assert "length 12, accuracy 50.0 %, 10 updates" in last


@pytest.mark.parametrize("terminal", ["0", "1"])
def test_an_error_with_brackets_is_shown_as_it_is(terminal, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setattr(live, "PLAIN_SECONDS", 0)
    error = "ValueError: no [/usr/lib] and no [red]"
    with open_for_writing(tmp_path / "a[/b]", TINY, TinyConfig((1, 2))) as sweep:
        view = view_of(TINY)
        with live.sweeping(sweep, len(sweep.trials), view) as (on_result, on_event, _):
            on_event(0, "reading a[/b]/mine.py")
            for found in lost(sweep.trials, error):
                save(sweep, found)
                on_result(found)
    shown = capsys.readouterr().err
    assert shown.count(error) >= 2
    assert "reading a[/b]/mine.py" in shown


SPANS = TextTable(
    ("task", "model", "parameters", "learned span", "lag", "held span", "lag", "seeds", "failed"),
    2,
    [["echo", "lstm", "15,200", "≥ 256 (≥ 256 to ≥ 256)", "≥ 253", "≥ 256 (≥ 256 to ≥ 256)", "≥ 253", "3", "0"]],
)


def drawn(width, reports=(), done=0, seconds=0.0, table=SPANS):
    """The lines of the live view of a sweep of four trials, on a terminal of this width."""
    shown = io.StringIO()
    screen = console(file=shown, width=width, height=40, force_terminal=True, color_system=None)
    screen.print(live.sweep_picture(reports, done, 4, seconds, table, screen))
    return [line.rstrip() for line in shown.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 100, 120, 150])
def test_a_sweep_has_a_line_a_worker_a_bar_and_a_table_whose_words_are_whole(width):
    lines = drawn(width, [("lstm on echo, seeds 0, 1: length 12; 960 examples, 0 s", 0.4)], done=1, seconds=20)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("lstm on echo, seeds 0, 1: length 12")
    assert lines[1].endswith("1 of 4 trials, 0:00:20, about 0:01:00 left")
    table = lines[2:]
    assert all(any(word in line for line in table) for row in (SPANS.titles, *SPANS.rows) for word in row[2:])
    assert len(table) == (2 if width >= 120 else 8)


def test_a_worker_that_has_reported_nothing_new_shows_how_long_ago_that_was():
    assert drawn(100, [("gru on echo, seed 0: building and compiling", 12.3)])[0].endswith("compiling + 12 s")
    assert drawn(30, [("gru on echo, seed 0: building and compiling", 12.3)])[0].endswith("…")


def test_before_the_first_result_there_is_the_time_and_no_empty_table():
    lines = drawn(100, seconds=3725, table=TextTable(SPANS.titles, 2, []))
    assert len(lines) == 1
    assert lines[0].endswith("0 of 4 trials, 1:02:05")


def test_a_worker_that_is_idle_has_no_line(on_a_terminal, capsys, tmp_path):
    with (
        open_for_writing(tmp_path / "sweep", TINY, TinyConfig((1, 2))) as sweep,
        live.sweeping(sweep, len(sweep.trials), view_of(TINY)) as (_, on_event, _),
    ):
        on_event(0, "squaring 2")
        on_event(0, "")
        capsys.readouterr()
    assert "squaring" not in capsys.readouterr().err
