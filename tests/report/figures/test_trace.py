import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from memoryspan.engine.trace import LayerTrace
from memoryspan.inference.trace import Trace
from memoryspan.report.figures.answers import Expectation
from memoryspan.report.figures.trace import AROUND_ZERO, FROM_ZERO, SOURCE, around_zero, draw_trace, order_of_units
from tests.messages import names


def a_trace(steps, n_outputs=4, vectors=0, units=5):
    rng = np.random.default_rng(0)
    arrays = {
        "input": rng.uniform(size=(1, steps, units)).astype("float32"),
        "cell": rng.normal(size=(1, steps, units)).astype("float32"),
    }
    arrays["input"][0, steps // 2] = np.nan
    inputs = rng.normal(size=(steps, vectors)) if vectors else rng.integers(0, 100, steps)
    predictions = rng.dirichlet(np.ones(n_outputs), (1, steps)) if n_outputs > 1 else rng.normal(size=(1, steps, 1))
    return Trace((inputs,), np.array([steps]), (LayerTrace("lstm", "LSTM", arrays),), predictions, "")


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 12, 300])
def test_a_picture_is_as_wide_as_the_sequence_within_bounds(tmp_path, steps):
    path = draw_trace(a_trace(steps), tmp_path / "a.png", saliency=np.ones((1, steps)), title="a title")
    width = imread(path).shape[1]
    assert width == 150 * (min(max(0.2 * steps, 8), 18) + 1.5)


def test_numbers_vectors_and_a_missing_answer_are_drawn_too(tmp_path):
    whole = draw_trace(a_trace(4, 1, vectors=2), tmp_path / "a.png")
    without = Trace(**{**vars(a_trace(4, 1, vectors=2)), "predictions": None})
    assert imread(draw_trace(without, tmp_path / "b.png")).shape[0] < imread(whole).shape[0]


def test_numbers_that_look_like_symbols_are_drawn_as_numbers(tmp_path):
    with_features = replace(a_trace(4), inputs=(np.arange(4, dtype="float32"),), of_classes=False)
    alone = draw_trace(replace(a_trace(4), inputs=(np.arange(4),)), tmp_path / "a.png")
    assert imread(draw_trace(with_features, tmp_path / "b.png")).shape[0] > imread(alone).shape[0]
    ones = replace(a_trace(4), inputs=(np.ones((4, 1), "float32"),))
    assert imread(draw_trace(ones, tmp_path / "c.png")).shape[0] > imread(alone).shape[0]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_carries_inside_what_it_is(tmp_path, ending):
    assert SOURCE.encode() in draw_trace(a_trace(6), tmp_path / f"a.{ending}").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("return_sequences", "asked", "steps"),
    [(False, None, ["2"]), (True, None, ["5", "2"]), (True, (1, 3), ["3", "2"])],
)
def test_it_is_said_which_answer_the_gradient_is_of(tmp_path, return_sequences, asked, steps):
    expectation = asked and Expectation(np.isin(np.arange(6), asked), np.zeros(6, int), np.ones(6, bool))
    saliency = np.array([[0, 1, 3, 2, 0, 0]])
    path = draw_trace(
        a_trace(6), tmp_path / "a.svg", return_sequences=return_sequences, expectation=expectation, saliency=saliency
    )
    (said,) = re.findall(r"<!-- (.*∂ answer / ∂ input.*?) -->", path.read_text())
    assert re.findall(r"step (\d+)", said) == steps


@pytest.mark.slow
def test_symbols_are_named_as_far_as_they_have_room_and_steps_always(tmp_path):
    def named(steps):
        text = draw_trace(a_trace(steps), tmp_path / "a.svg").read_text()
        (label,) = set(re.findall(rf"<!-- (.*\b0\b\D+\b{steps - 1}) -->", text))
        return "symbols" in label, "step" in label

    assert [named(12), named(300)] == [(True, True), (False, True)]


def test_real_features_are_bars_where_they_are_few_and_a_map_where_they_are_many(tmp_path):
    few = draw_trace(a_trace(4, vectors=2), tmp_path / "a.svg").read_text()
    many = draw_trace(a_trace(4, vectors=9), tmp_path / "b.svg").read_text()
    assert (names(few, "feature 1"), names(few, "9 features")) == (True, False)
    assert (names(many, "feature 1"), names(many, "9 features")) == (False, True)


def test_a_few_cells_far_from_the_others_do_not_take_their_colours_away():
    values = np.append(np.linspace(-1, 1, 99), 50.0)[np.newaxis]
    low, high = around_zero(values)
    assert -low == high < 1
    assert around_zero(values[:, :-1]) == (-1, 1)
    assert around_zero(np.full((1, 3), np.nan)) == (-1, 1)


@pytest.mark.parametrize(("kind", "said"), [("LSTM", True), ("MinGRU", False)])
def test_what_a_gate_does_at_its_ends_is_said_of_the_cells_of_keras(tmp_path, kind, said):
    one = a_trace(4)
    (layer,) = one.layers
    path = draw_trace(replace(one, layers=(replace(layer, kind=kind),)), tmp_path / "a.svg")
    assert bool(re.search(r"<!-- 0\b.*[a-z].* -->", path.read_text())) == said


@pytest.mark.parametrize("colours", [AROUND_ZERO, FROM_ZERO])
def test_the_colours_change_steadily_in_brightness_so_that_they_are_read_in_grey(colours):
    red, green, blue = colours(np.linspace(0, 1, 50))[:, :3].T
    change = np.diff(0.299 * red + 0.587 * green + 0.114 * blue)
    assert (change > 0).all() or (change < 0).all()


def test_units_stand_in_the_order_in_which_their_state_moves():
    late, early, never = [0, 0, 0, 2], [0, -3, -3, -3], [0, 0, 0, 0]
    states = np.array([late, early, never], "float32").T[np.newaxis]
    assert order_of_units(LayerTrace("gru", "GRU", {"hidden": states}), 0).tolist() == [2, 1, 0]


def test_a_name_commands_nothing_that_reads_the_picture(tmp_path):
    path = draw_trace(a_trace(2), tmp_path / "a.svg", title="\x1b[2J\ud800 of $x$")
    assert not {"\x1b", "\ud800"} & set(path.read_text())
