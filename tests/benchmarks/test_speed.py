import sys

import pytest

from benchmarks import speed
from benchmarks.rounds import Sample
from memoryspan.engine import native_target
from tests.messages import names
from tools.machine import this_machine

TINY = ("--length", "10", "--batch-size", "2", "--batches", "10", "--rounds", "1")


@pytest.fixture(autouse=True)
def without_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)


def test_without_pytorch_a_notice_is_printed_and_the_rest_is_measured(typed, tmp_path):
    page = tmp_path / "page.md"
    code, printed = typed(speed, *TINY, "--write", str(page))
    assert code == 0
    assert 'pip install ".[bench]"' in printed
    assert f"python -m benchmarks.speed {' '.join(TINY)} --write" in page.read_text()
    # The terminal's table breaks its cells where figures are wide, as they are on a busy machine; the page's does not.
    assert "| memoryspan |" in page.read_text()
    assert "| Keras, steps_per_execution=10 |" in page.read_text()


def test_json_has_every_sample_and_the_machine(typed):
    _, report = typed(speed, *TINY, "--json")
    in_cpp = ["memoryspan in C++"] if native_target() else []
    names = ["memoryspan", *in_cpp, "Keras", "Keras, steps_per_execution=10", "arithmetic limit"]
    assert [row["name"] for row in report["rows"]] == names
    assert all(len(row["samples"]) == 1 for row in report["rows"])
    assert report["machine"]["cores"] == this_machine().cores
    assert report["machine"]["packages"]["memoryspan"]


SAMPLES = {
    "memoryspan": [Sample(1.0, 300)],
    "slow": [Sample(2.0, 100)],
    "fast": [Sample(1.0, 100), Sample(4.0, 400)],
    "arithmetic limit": [Sample(1.0, 600)],
}


def test_ratios_are_to_the_fastest_other_library_and_to_the_limit():
    ratios = {row["name"]: (row["ratio"], row["of_limit"]) for row in speed.speeds(SAMPLES)}
    assert ratios == {"memoryspan": (3, 1 / 2), "slow": (0.5, 1 / 12), "fast": (1, 1 / 6), "arithmetic limit": (6, 1)}


def test_the_recurrence_in_cpp_is_not_another_library():
    rows = speed.speeds(SAMPLES | {"memoryspan in C++": [Sample(1.0, 500)]})
    assert rows[-1]["ratio"] == 5
    assert names(speed.summary(rows), "3.00", "fast", "memoryspan in C++", "5.00")
