import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from memoryspan.report.span import draw_curves, over_seeds
from memoryspan.report.style import BLUE, ORANGE
from memoryspan.runs.record import Measured


def curve(*points, chance=0.1):
    return [
        Measured(right=int(1000 * value), examples=1000, length=length, chance=chance, value=value, interval=(0, 1))
        for length, value in points
    ]


ONE = curve((2, 1.0), (8, 1.0), (32, 0.5))
OTHER = curve((2, 1.0), (8, 0.8), (16, 0.2))


def share(picture, colour):
    return float((np.abs(picture[..., :3] - to_rgb(colour)).max(-1) < 0.1).mean())


def test_a_picture_has_a_line_a_model_and_a_panel_a_task(tmp_path):
    by_task = {"echo": {"lstm": [ONE, OTHER], "gru": [OTHER]}, "copy": {"lstm": [ONE]}}
    picture = imread(draw_curves(by_task, tmp_path / "span.png"))
    above, below = np.array_split(picture, 2)
    assert share(above, BLUE) > 1e-4 < share(above, ORANGE)
    assert share(below, BLUE) > 1e-4 > share(below, ORANGE)


def test_it_is_drawn_as_its_name_ends(tmp_path):
    path = draw_curves({"<script>": {"a & b": [ONE]}}, tmp_path / "span.svg")
    assert path.read_text().startswith("<?xml")
    assert "<script>" not in path.read_text()


def test_the_median_is_taken_where_all_seeds_were_measured():
    lengths, low, middle, high = over_seeds([ONE, OTHER])
    assert lengths.tolist() == [2, 8, 16]
    np.testing.assert_allclose(low, [1.0, 0.8, 0.2])
    np.testing.assert_allclose(high, [1.0, 1.0, 0.75])  # half way from 8 to 32, on the logarithm
    np.testing.assert_allclose(middle, [1.0, 0.9, 0.475])


def test_a_single_length_is_drawn_too(tmp_path):
    assert draw_curves({"echo": {"lstm": [curve((3, 0.1))]}}, tmp_path / "span.png").stat().st_size > 5000
