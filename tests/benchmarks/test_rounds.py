from time import sleep

from benchmarks.rounds import WARM_UPS, Spread, interleaved


def test_jobs_take_turns_and_warm_ups_are_not_counted():
    order = []
    jobs = {name: lambda name=name: order.append(name) or len(order) for name in "AB"}
    samples = interleaved(jobs, rounds=3)
    assert order == ["A", "B"] * (WARM_UPS + 3)
    assert [sample.value for sample in samples["B"]] == [4, 6, 8]


def test_a_sample_takes_as_long_as_its_job():
    samples = interleaved({"slow": lambda: sleep(0.02)}, rounds=2)
    assert all(0.02 <= sample.seconds < 2 for sample in samples["slow"])


def test_a_spread_is_the_middle_and_the_ends():
    assert Spread.of(iter([3, 1, 10])) == (3, 1, 10)
