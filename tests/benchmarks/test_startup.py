import pytest

from benchmarks import startup
from benchmarks.rounds import Sample


def test_help_is_compared_with_python(typed):
    code, report = typed(startup, "--rounds", "1", "--only", "python", "--only", "help", "--json")
    assert code == 0
    python, help = report["rows"]
    assert help["median"] > python["median"]
    assert help["times_python"] == pytest.approx(help["median"] / python["median"])
    assert help["times_keras"] is None


def test_the_output_of_a_process_that_fails_is_shown(tmp_path):
    with pytest.raises(startup.click.ClickException, match="no such thing"):
        startup.run(["-c", "raise SystemExit('no such thing')"], tmp_path)


def test_the_highest_known_peak_counts():
    samples = {"python": [Sample(1.0, None)], "help": [Sample(2.0, 5), Sample(2.0, None), Sample(2.0, 7)]}
    assert [row["peak"] for row in startup.waits(samples)] == [None, 7]
