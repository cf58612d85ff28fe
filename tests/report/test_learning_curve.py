import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from memoryspan import Echo
from memoryspan.report import draw_learning_curve
from memoryspan.report.style import BLUE, ORANGE
from memoryspan.training import Row

TASK = Echo(length=8, n_features=10)
HISTORY = [
    Row(100, 3_200, 9_600, 0, 0.1, 3, 0.1, 2.3),
    Row(200, 6_400, 22_400, 0, 0.2, 4, 0.9, 0.4),
    Row(300, 9_600, 48_000, 0, 0.3, 8, 1.0, 0.1),
]


def share(picture: np.ndarray, colour: str) -> float:
    """Of the pixels of about this colour."""
    return float((np.abs(picture[..., :3] - to_rgb(colour)).max(-1) < 0.1).mean())


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_both_panels_are_drawn_however_short_the_history(tmp_path, rows):
    path = draw_learning_curve(HISTORY[:rows], TASK, tmp_path)
    picture = imread(path)
    middle = picture.shape[0] * 3 // 5
    assert picture.shape == (690, 1050, 4)
    assert share(picture[:middle], BLUE) > 1e-4 > share(picture[middle:], BLUE)
    assert share(picture[middle:], ORANGE) > 1e-4 > share(picture[:middle], ORANGE)


def test_an_accuracy_that_was_not_a_number_is_left_out(tmp_path):
    history = [*HISTORY, Row(400, 12_800, 60_000, 100, 0.4, 8, float("nan"), float("nan"))]
    assert draw_learning_curve(history, TASK, tmp_path).stat().st_size > 10_000


def test_the_same_history_gives_the_same_bytes_and_another_one_others(tmp_path):
    first = draw_learning_curve(HISTORY, TASK, tmp_path).read_bytes()
    assert draw_learning_curve(HISTORY, TASK, tmp_path).read_bytes() == first
    assert draw_learning_curve(HISTORY[:2], TASK, tmp_path).read_bytes() != first


def test_a_picture_that_cannot_be_written_leaves_the_one_before_it(tmp_path, monkeypatch):
    before = draw_learning_curve(HISTORY, TASK, tmp_path).read_bytes()

    def half(figure, path, **_):
        path.write_bytes(b"half")
        raise OSError

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", half)
    with pytest.raises(OSError):  # noqa: PT011
        draw_learning_curve(HISTORY[:2], TASK, tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("learning-curve.png", before)]
