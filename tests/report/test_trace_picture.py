import numpy as np
import pytest
from matplotlib.image import imread

from memoryspan.engine.trace import LayerTrace
from memoryspan.report.trace import AROUND_ZERO, FROM_ZERO, SOURCE, draw_trace, order_of_units
from memoryspan.tracing import Trace


def a_trace(steps, n_outputs=4, vectors=False, units=5):
    rng = np.random.default_rng(0)
    arrays = {
        "input": rng.uniform(size=(1, steps, units)).astype("float32"),
        "cell": rng.normal(size=(1, steps, units)).astype("float32"),
    }
    arrays["input"][0, steps // 2] = np.nan
    inputs = rng.normal(size=(steps, 2)) if vectors else rng.integers(0, 100, steps)
    predictions = rng.dirichlet(np.ones(n_outputs), (1, steps)) if n_outputs > 1 else rng.normal(size=(1, steps, 1))
    return Trace((inputs,), np.array([steps]), (LayerTrace("lstm", "LSTM", arrays),), predictions, "")


@pytest.mark.parametrize("steps", [1, 12, 300])
def test_a_picture_is_as_wide_as_the_sequence_within_bounds(tmp_path, steps):
    path = draw_trace(a_trace(steps), tmp_path / "a.png", saliency=np.ones((1, steps)), title="a title")
    width = imread(path).shape[1]
    assert width == 150 * (min(max(0.2 * steps, 8), 18) + 1.5)


def test_numbers_vectors_and_a_missing_answer_are_drawn_too(tmp_path):
    whole = draw_trace(a_trace(4, 1, vectors=True), tmp_path / "a.png")
    without = Trace(**{**vars(a_trace(4, 1, vectors=True)), "predictions": None})
    assert imread(draw_trace(without, tmp_path / "b.png")).shape[0] < imread(whole).shape[0]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_carries_inside_what_it_is(tmp_path, ending):
    assert SOURCE.encode() in draw_trace(a_trace(6), tmp_path / f"a.{ending}").read_bytes()


@pytest.mark.parametrize("colours", [AROUND_ZERO, FROM_ZERO])
def test_the_colours_change_steadily_in_brightness_so_that_they_are_read_in_grey(colours):
    red, green, blue = colours(np.linspace(0, 1, 50))[:, :3].T
    change = np.diff(0.299 * red + 0.587 * green + 0.114 * blue)
    assert (change > 0).all() or (change < 0).all()


def test_units_stand_in_the_order_in_which_their_state_moves():
    late, early, never = [0, 0, 0, 2], [0, -3, -3, -3], [0, 0, 0, 0]
    states = np.array([late, early, never], "float32").T[np.newaxis]
    assert order_of_units(LayerTrace("gru", "GRU", {"hidden": states}), 0).tolist() == [2, 1, 0]
