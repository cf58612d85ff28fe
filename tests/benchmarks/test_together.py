import pytest

from benchmarks import together
from benchmarks.rounds import Sample
from tests.messages import names


def test_seeds_together_are_compared_with_one(typed, monkeypatch):
    monkeypatch.setattr(together, "SEEDS", (1, 2))
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "off")
    settings = ("--batch-size", "2", "--length", "10", "--batches", "10", "--rounds", "1")
    code, report = typed(together, *settings, "--json")
    assert code == 0
    assert [row["seeds"] for row in report["rows"]] == [1, 2]
    assert report["rows"][0]["times_alone"] == 1


def test_the_time_is_over_that_of_as_many_trainings():
    samples = {("memoryspan", 1): [Sample(1.0, 100)], ("memoryspan", 8): [Sample(2.0, 800)]}
    rows = together.costs(samples)
    assert rows[1]["times_alone"] == pytest.approx(0.25)
    assert names(together.summary(rows), 0.25, "memoryspan")
