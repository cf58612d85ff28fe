import re
import sys

import numpy as np
import pytest

from benchmarks import time_to_target
from benchmarks.time_to_target import LEARNING_RATES, NO_CURRICULUM, Evaluation, training, until_target
from memoryspan.models import lstm
from memoryspan.sampling import Stream
from memoryspan.tasks import Adding
from tests.messages import names

TASK = Adding(5)

EVALUATIONS = [
    Evaluation(320, 0.1, 300),
    Evaluation(640, 0.2, 909),
    Evaluation(960, 0.3, 910),
    Evaluation(1280, 1, 990),
]


def generated(evaluations):
    yield from evaluations


def test_a_training_ends_at_the_first_evaluation_with_910_correct_predictions():
    assert until_target(generated(EVALUATIONS), budget=10_000) == EVALUATIONS[2]


def test_a_training_ends_where_its_budget_is_spent():
    last = until_target(generated(EVALUATIONS), budget=640)
    assert (last.examples, last.reached) == (640, False)


def test_a_training_that_ends_by_itself_has_missed_the_target():
    assert until_target(generated(EVALUATIONS[:1]), budget=10_000) == EVALUATIONS[0]


def trainings(name, *outcomes, learning_rate=0.02):
    """Trainings that took these seconds, and ten thousand times as many examples; None missed the target."""
    missed = Evaluation(6400, 0.2, 500)
    lasts = [missed if seconds is None else Evaluation(int(seconds * 10_000), seconds, 910) for seconds in outcomes]
    return [training(name, learning_rate, seed, last) for seed, last in enumerate(lasts)]


def test_everyone_gets_the_rate_with_the_fewest_examples():
    tuning = [
        *trainings("Keras", 3, 5, learning_rate=LEARNING_RATES[0]),
        *trainings("Keras", 2, 4, learning_rate=LEARNING_RATES[1]),
        *trainings("Keras", 1, None, learning_rate=LEARNING_RATES[2]),
        *trainings("Keras", None, None, learning_rate=LEARNING_RATES[3]),
        *trainings("PyTorch", *[1] * 2, learning_rate=LEARNING_RATES[3]),
    ]
    assert time_to_target.best_rate(tuning, "Keras") == LEARNING_RATES[1]


OUTCOMES = [
    *trainings("memoryspan", 0.5, 1, 3),
    *trainings(f"memoryspan{NO_CURRICULUM}", 2, 2, 2),
    *trainings("Keras", 5, 5, None),
    *trainings("PyTorch", 1, None, None),
]


def test_a_training_that_missed_the_target_is_the_slowest():
    rows = {row["name"]: (row["reached"], row["examples"], row["seconds"]) for row in time_to_target.compare(OUTCOMES)}
    assert rows["Keras"] == (2, 50_000, 5)
    assert rows["PyTorch"] == (1, None, None)


def test_speeds_are_relative_to_the_fastest_other_library_that_reaches_the_target():
    rows = time_to_target.compare(OUTCOMES)
    assert [row["speedup"] for row in rows] == [5, 2.5, 1, None]
    assert names(time_to_target.summary(rows), "Keras", "5.00", "2.50")


@pytest.mark.parametrize("library", ["keras_lstm", "pytorch_lstm"])
def test_a_library_starts_as_the_model_and_learns_with_its_rate(library):
    if library == "pytorch_lstm":
        pytest.importorskip("torch")
    model = lstm(TASK, units=time_to_target.UNITS, seed=0)
    inputs, targets = time_to_target.draw(TASK, 0, Stream.TRAINING, 1, 64)
    for rate in (0.1, 0.0):  # the second training has nothing of the first
        fit, predict = getattr(time_to_target, library)(model.get_weights(), rate)
        np.testing.assert_allclose(predict(inputs), model(inputs), rtol=1e-5, atol=1e-6)
        fit(inputs, targets)
        assert np.allclose(predict(inputs), model(inputs), rtol=1e-5, atol=1e-6) == (rate == 0)


def test_json_has_every_training(typed, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr("memoryspan.engine.native.SETTING", "off")
    monkeypatch.setattr(time_to_target, "LEARNING_RATES", (0.02,))
    monkeypatch.setattr(time_to_target, "UPDATES", 10)
    arguments = ("--length", "4", "--seeds", "1", "--tuning-seeds", "1", "--budget", "320")
    code, report = typed(time_to_target, *arguments, "--json")
    assert code == 0
    expected = ["memoryspan", f"memoryspan{NO_CURRICULUM}", "Keras"]
    for trainings in ("rows", "tuning", "trainings"):
        assert [row["name"] for row in report[trainings]] == expected
    assert all(row["examples"] == 320 and row["seconds"] > 0 for row in report["trainings"])
    assert not any(row["reached"] for row in report["trainings"])
    assert not re.search(r"\d\.\d", report["summary"])
