import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from memoryspan.accuracy import AccuracyRecord
from memoryspan.report.curves import over_seeds
from memoryspan.report.figures.span import draw_curves
from memoryspan.report.figures.style import BLUE, ORANGE
from memoryspan.spans.summary import Median, SpanSummary
from memoryspan.spec import Spec
from tests.messages import names


def curve(*points, chance=0.1):
    return [
        AccuracyRecord(
            n_correct=int(1000 * value), examples=1000, length=length, chance=chance, value=value, interval=(0, 1)
        )
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


def test_names_stand_in_the_picture_as_they_are(tmp_path):
    draw_curves({"<script>": {"a $x$ & b": [ONE]}}, tmp_path / "span.png")
    svg = (tmp_path / "span.svg").read_text()
    assert "<script>" not in svg
    assert "<!-- &lt;script&gt; -->" in svg
    assert "<!-- a $x$ &amp; b -->" in svg


def spans(learned, held):
    """A row of a summary with these median spans."""
    median = [Median(value, None, at_least) for value, at_least in (learned, held)]
    name = Spec("echo"), Spec("lstm")
    return SpanSummary(*name, 1, 0, 100, 0.1, median[0], median[0], 0, median[1], median[1], 0)


@pytest.mark.slow
def test_spans_are_compared_below_the_curves_of_their_task(tmp_path):
    by_task = {"echo": {"lstm": [ONE], "gru": [OTHER]}, "copy": {"lstm": [ONE]}}
    draw_curves(by_task, tmp_path / "without.png")
    found = {"echo": {"lstm": spans((32, True), (16, False)), "gru": spans((0, False), (0, False))}}
    draw_curves(by_task, tmp_path / "span.png", found)
    assert imread(tmp_path / "span.png").shape[0] > imread(tmp_path / "without.png").shape[0]
    words = re.findall("<!-- (.*?) -->", (tmp_path / "span.svg").read_text())
    assert [names(word, "≥ 32") for word in words].count(True) == 1
    assert [names(word, "held 16") for word in words].count(True) == 1
    assert [names(word, "learned") and not re.search(r"\d", word) for word in words].count(True) == 1


def test_a_long_name_leaves_room_for_the_panels(tmp_path):
    name = f"/{'a' * 150}/mine.py:build"
    draw_curves({"echo": {name: [ONE]}}, tmp_path / "span.png", {"echo": {name: spans((8, False), (8, False))}})
    assert (tmp_path / "span.svg").read_text().count("…") == 2


def test_the_median_is_taken_where_all_seeds_were_measured():
    lengths, low, middle, high = over_seeds([ONE, OTHER])
    assert lengths.tolist() == [2, 8, 16]
    np.testing.assert_allclose(low, [1.0, 0.8, 0.2])
    np.testing.assert_allclose(high, [1.0, 1.0, 0.75])  # half way from 8 to 32, on the logarithm
    np.testing.assert_allclose(middle, [1.0, 0.9, 0.475])


def test_a_single_length_is_drawn_too(tmp_path):
    assert draw_curves({"echo": {"lstm": [curve((3, 0.1))]}}, tmp_path / "span.png").stat().st_size > 5000
