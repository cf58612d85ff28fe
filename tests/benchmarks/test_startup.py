import pytest

from benchmarks import startup
from benchmarks.rounds import Lap


def test_help_is_measured_beside_python(typed):
    code, report = typed(startup, "--rounds", "1", "--only", "python", "--only", "help", "--json")
    assert code == 0
    python, help = report["rows"]
    assert help["median"] > python["median"]
    assert help["times_python"] == pytest.approx(help["median"] / python["median"])
    assert help["times_keras"] is None


def test_a_process_that_fails_shows_its_words(tmp_path):
    with pytest.raises(startup.click.ClickException, match="no such thing"):
        startup.run(["-c", "raise SystemExit('no such thing')"], tmp_path)


def test_the_highest_known_peak_counts():
    laps = {"python": [Lap(1.0, None)], "help": [Lap(2.0, 5), Lap(2.0, None), Lap(2.0, 7)]}
    assert [row["peak"] for row in startup.waits(laps)] == [None, 7]
