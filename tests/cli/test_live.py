import re

import pytest
from messages import names

from memoryspan.cli.live import training
from memoryspan.models import lstm
from memoryspan.tasks import Echo
from memoryspan.training import Curriculum, Position, Row
from memoryspan.training.update import initial_state


@pytest.fixture
def on_a_terminal(monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "150")


def test_the_live_line_shows_where_the_training_stands_in_place_of_what_it_waited_for(on_a_terminal, capsys):
    with training(3, 50) as show:
        pass
    (waiting,) = set(re.findall(r"[A-Za-z][A-Za-z ]+ …", capsys.readouterr().err))
    with training(3, 50) as show:
        state = initial_state(lstm(Echo(), seed=0), Curriculum(), Echo())
        show(Position(state, Row(10, 320, 960, 0, 0.1, 12, 0.5, 1.0)))
    last = capsys.readouterr().err.rpartition(waiting)[2]
    assert names(last, 12, "50.0 %", "10 updates")
