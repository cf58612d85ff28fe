import re
import sys

import pytest

from benchmarks import peers
from benchmarks.learners import Look, reached
from memoryspan.engine import native_target
from tests.messages import names

TINY = ("--length", "4", "--seeds", "1", "--budget", "640", "--every", "10")

LOOKS = [Look(320, 0.1, 300), Look(640, 0.2, 909), Look(960, 0.3, 910), Look(1280, 0.4, 905), Look(1600, 0.5, 990)]


def without_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)


def test_91_percent_are_910_of_the_fresh_examples():
    assert peers.needed() == 910


def test_the_first_look_with_enough_right_answers_is_there():
    assert reached(LOOKS, 910) == (True, LOOKS[2])


def test_nothing_is_learned_beyond_that_look():
    looks = iter(LOOKS)
    reached(looks, 910)
    assert list(looks) == LOOKS[3:]


def test_a_training_that_never_has_enough_ends_with_its_last_look():
    assert reached(LOOKS[:2], 910) == (False, LOOKS[1])


def trainings(name, *outcomes):
    return [peers.training(name, seed, *outcome) for seed, outcome in enumerate(outcomes)]


FELL_SHORT = (False, Look(6400, 0.2, 500))
"""Quick, and of no use."""

MADE_UP = [
    *trainings("memoryspan", (True, Look(32, 0.5, 910)), (True, Look(64, 1.0, 910)), (True, Look(96, 3.0, 910))),
    *trainings("memoryspan, full", *[(True, Look(320, 2.0, 910))] * 3),
    *trainings("NumPy", *[(True, Look(640, 10.0, 910))] * 3),
    *trainings("Keras", *[(True, Look(640, 5.0, 910))] * 2, FELL_SHORT),
    *trainings("PyTorch", (True, Look(640, 1.0, 910)), FELL_SHORT, FELL_SHORT),
]


def test_a_training_that_fell_short_counts_as_slower_than_any_other():
    rows = {row["name"]: (row["reached"], row["examples"], row["seconds"]) for row in peers.compared(MADE_UP)}
    assert rows["Keras"] == (2, 640, 5.0)
    assert rows["PyTorch"] == (1, None, None)


def test_ratios_are_to_numpy_and_to_the_faster_framework_that_gets_there():
    rows = {row["name"]: (row["times_numpy"], row["times_framework"]) for row in peers.compared(MADE_UP)}
    assert rows == {
        "memoryspan": (10, 5),
        "memoryspan, full": (5, 2.5),
        "NumPy": (1, 0.5),
        "Keras": (2, 1),
        "PyTorch": (None, None),
    }


def test_the_summary_tells_the_gain_of_the_curriculum_apart():
    figures = re.findall(r"\d+\.\d", summary := peers.summary(peers.compared(MADE_UP)))
    assert figures == ["10.0", "5.0", "5.0", "2.5", "2.0"]
    assert names(summary, "memoryspan", "NumPy", "Keras")


def test_json_holds_every_training(typed, monkeypatch):
    without_pytorch(monkeypatch)
    code, report = typed(peers, *TINY, "--json")
    assert code == 0
    in_cpp = ["memoryspan in C++", "memoryspan in C++, full"] if native_target() else []
    expected = ["memoryspan", "memoryspan, full", *in_cpp, "NumPy", "Keras"]
    assert [row["name"] for row in report["rows"]] == expected
    assert [each["name"] for each in report["trainings"]] == expected
    assert all(each["examples"] == 640 and each["seconds"] > 0 for each in report["trainings"])
    assert not any(each["reached"] for each in report["trainings"])
    assert names(report["summary"], "memoryspan 0 of 1")
    assert not re.search(r"\d\.\d", report["summary"])


def test_pytorch_learns_too_where_it_is_installed(typed, tmp_path):
    pytest.importorskip("torch")
    page = tmp_path / "page.md"
    code, printed = typed(peers, *TINY, "--write", str(page))
    assert code == 0
    assert "pip install" not in printed
    assert "| PyTorch | 0/1 | - | - |" in page.read_text()
