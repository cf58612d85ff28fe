import pytest

from memoryspan.cli.live import training
from memoryspan.models import lstm
from memoryspan.tasks import Echo
from memoryspan.training import Curriculum, HistoryRow, TrainSnapshot
from memoryspan.training.state import initial_state


@pytest.fixture
def on_a_terminal(monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "150")


def test_the_live_line_shows_where_the_training_stands_in_place_of_what_it_waited_for(on_a_terminal, capsys):
    with training(3, 50) as show:
        pass
    assert "building and compiling" in capsys.readouterr().err
    with training(3, 50) as show:
        state = initial_state(lstm(Echo(), seed=0), Curriculum(), Echo())
        show(TrainSnapshot(state, HistoryRow(10, 320, 960, 0, 0.1, 12, 0.5, 1.0)))
    last = capsys.readouterr().err.rpartition("building and compiling …")[2]
    assert "length 12, accuracy 50.0 %, 10 updates" in last
