import pytest

from benchmarks import scaling
from benchmarks.rounds import Sample
from tests.messages import names


@pytest.mark.slow
def test_a_length_is_measured_in_time_and_in_memory(typed):
    code, report = typed(scaling, "--rounds", "1", "--max-length", "100", "--json")
    assert code == 0
    assert [row["length"] for row in report["rows"]] == [100] * len(report["rows"])
    assert all(row["times_shortest"] == 1 for row in report["rows"])
    assert all(row["peak"] is None or row["peak"] > 2**20 for row in report["rows"])


def test_costs_are_per_token():
    samples = {
        ("memoryspan", 100): [Sample(1.0, 10)],
        ("memoryspan", 1000): [Sample(3.0, 2), Sample(5.0, 2), Sample(4.0, 2)],
    }
    short, long = scaling.costs(samples, {("memoryspan", 100): 1, ("memoryspan", 1000): None})
    assert (short["median"], long["median"]) == (pytest.approx(1e-3), pytest.approx(2e-3))
    assert (short["times_shortest"], long["times_shortest"]) == (1, pytest.approx(2))
    assert names(scaling.summary([short, long]), "1,000", 100, "memoryspan 2.00")
