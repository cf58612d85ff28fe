import pytest

from memoryspan.cli import live
from memoryspan.cli.live import training
from memoryspan.models import lstm
from memoryspan.report.views import view_of
from memoryspan.sweeps.client import lost
from memoryspan.sweeps.sweep import open_for_writing, save
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
    assert "building and compiling" in capsys.readouterr().err
    with training(3, 50) as show:
        state = initial_state(lstm(Echo(), seed=0), Curriculum().start(3, 50))
        show(TrainSnapshot(state, HistoryRow(10, 320, 960, 0, 0.1, 12, 0.5, 1.0)))
    last = capsys.readouterr().err.rpartition("building and compiling …")[2]
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
