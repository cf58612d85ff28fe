import pytest

from benchmarks import together
from benchmarks.rounds import Lap
from tests.messages import names


def test_seeds_together_are_measured_beside_one(typed, monkeypatch):
    monkeypatch.setattr(together, "SEEDS", (1, 2))
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "off")
    settings = ("--batch-size", "2", "--length", "10", "--batches", "10", "--rounds", "1")
    code, report = typed(together, *settings, "--json")
    assert code == 0
    assert [row["seeds"] for row in report["rows"]] == [1, 2]
    assert report["rows"][0]["times_alone"] == 1


def test_the_time_is_over_that_of_as_many_trainings():
    laps = {("memoryspan", 1): [Lap(1.0, 100)], ("memoryspan", 8): [Lap(2.0, 800)]}
    rows = together.costs(laps)
    assert rows[1]["times_alone"] == pytest.approx(0.25)
    assert names(together.summary(rows), 0.25, "memoryspan")
