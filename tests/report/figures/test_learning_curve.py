import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from memoryspan import Echo
from memoryspan.report.figures.learning_curve import draw_learning_curve
from memoryspan.report.figures.style import BLUE, ORANGE
from memoryspan.report.jump import find_jump
from memoryspan.tasks import Parity
from memoryspan.training import HistoryRow
from tests.messages import names

TASK = Echo(length=8, n_features=10)
HISTORY = [
    HistoryRow(100, 3_200, 9_600, 0, 0.1, 3, 0.1, 2.3),
    HistoryRow(200, 6_400, 22_400, 0, 0.2, 4, 0.9, 0.4),
    HistoryRow(300, 9_600, 48_000, 0, 0.3, 8, 1.0, 0.1),
]


def rows_of(picture: np.ndarray, colour: str) -> np.ndarray:
    """The numbers of the lines of pixels in which there is about this colour."""
    return np.flatnonzero((np.abs(picture[..., :3] - to_rgb(colour)).max(-1) < 0.1).any(-1))


def svg_text(path: Path) -> str:
    """The words of a picture, which stand in it as comments."""
    return "\n".join(re.findall(r"<!-- (.*?) -->", path.read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_both_panels_are_drawn_however_short_the_history(tmp_path, rows):
    path = draw_learning_curve(HISTORY[:rows], TASK, tmp_path)
    picture = imread(path)
    assert picture.shape == (780, 1050, 4)
    assert rows_of(picture, BLUE).max() < rows_of(picture, ORANGE).min()


def test_an_accuracy_that_was_not_a_number_is_left_out(tmp_path):
    history = [*HISTORY, HistoryRow(400, 12_800, 60_000, 100, 0.4, 8, float("nan"), float("nan"))]
    assert draw_learning_curve(history, TASK, tmp_path).stat().st_size > 10_000


def test_the_same_history_gives_the_same_bytes_and_another_one_others(tmp_path):
    first = draw_learning_curve(HISTORY, TASK, tmp_path).read_bytes()
    assert draw_learning_curve(HISTORY, TASK, tmp_path).read_bytes() == first
    assert draw_learning_curve(HISTORY[:2], TASK, tmp_path).read_bytes() != first


def history(*accuracies: float, length: int = 3) -> list[HistoryRow]:
    """A row each ten updates, at one length."""
    return [
        HistoryRow(10 * n, 320 * n, 960 * n, 0, 0.1 * n, length, accuracy, 1.0)
        for n, accuracy in enumerate(accuracies, 1)
    ]


def test_a_jump_is_found_between_the_end_of_the_plateau_and_what_is_learned():
    jump = find_jump(history(0.1, 0.1, 0.2, 0.4, 0.9, 1.0), TASK)
    assert jump is not None
    assert (jump.before.examples, jump.after.examples) == (960, 1600)
    assert (jump.flat, jump.steep, jump.length) == (960, 640, 3)


@pytest.mark.parametrize(
    "accuracies",
    [
        (0.1,),
        (0.1, 0.1, 0.1, 0.2),  # a plateau without an end
        (0.5, 0.9, 1.0),  # no plateau
        (0.1, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.9),  # a slope
        (0.1, 0.1, 0.2, 0.4, float("nan")),
    ],
)
def test_what_is_no_jump_is_not_said_to_be_one(accuracies):
    assert find_jump(history(*accuracies), TASK) is None


def test_a_jump_is_counted_from_chance_at_its_length():
    half = 0.5 + 0.5 * np.array([0.0, 0.1, 0.2, 0.8])
    assert find_jump(history(*half, length=1), Parity(length=8)) is not None
    assert find_jump(history(*half, length=8), Parity(length=8)) is None


def test_of_several_jumps_that_with_the_longest_plateau_is_told():
    first, second = history(0.1, 0.1, 0.1, 0.9), history(*[0.1] * 8, 0.9, length=6)
    grown = [*first[:-1], replace(first[-1], length=6)]
    later = [replace(row, examples=row.examples + grown[-1].examples) for row in second]
    jump = find_jump([*grown, *later], TASK)
    assert jump is not None
    assert (jump.length, jump.begins, jump.flat) == (6, grown[-1].examples, 8 * 320)


def fallen(*stays: tuple[int, tuple[float, ...]]) -> list[HistoryRow]:
    """Rows at the length and with the accuracies of each stay; the last row of one has the next one's length."""
    drawn = [(length, accuracy) for length, accuracies in stays for accuracy in accuracies]
    after = [*(length for length, _ in drawn[1:]), drawn[-1][0]]
    rows = history(*(accuracy for _, accuracy in drawn))
    return [replace(row, length=length) for row, length in zip(rows, after, strict=True)]


def test_a_return_to_a_length_after_a_fall_has_no_plateau_and_no_jump():
    learned, lost, again = (0.5, 0.9, 1.0), (0.1, 0.1, 0.1, 0.1), (0.1, 0.1, 0.1, 0.1, 0.9)
    assert find_jump(fallen((3, learned), (6, lost), (3, again), (6, again)), TASK) is None


def test_a_new_greatest_length_after_a_fall_may_have_its_jump_and_it_begins_there():
    learned, lost, jumps = (0.5, 0.9, 1.0), (0.1, 0.1), (0.1, 0.1, 0.1, 0.9)
    jump = find_jump(fallen((3, learned), (6, lost), (3, learned), (6, learned), (8, jumps)), TASK)
    assert jump is not None
    assert (jump.length, jump.begins, jump.flat, jump.steep) == (8, 11 * 320, 3 * 320, 320)


@pytest.mark.slow
def test_falls_of_the_length_are_told_where_there_are_any(tmp_path):
    learned, lost = (0.5, 0.9, 1.0), (0.1, 0.1)
    words = []
    for stays in [((3, learned), (6, lost), (3, learned)), ((3, learned), (6, learned)), ((6, lost), (3, learned))]:
        draw_learning_curve(fallen(*stays), TASK, tmp_path)
        words.append(
            {line for line in svg_text(tmp_path / "learning-curve.svg").splitlines() if not re.search(r"\d", line)}
        )
    both, growth, fall = words
    assert len(both & growth - fall) == 1
    assert len(both & fall - growth) == 1
    assert both == growth | fall


def test_plateau_jump_and_growth_are_explained_below_the_panels(tmp_path):
    jumps = history(0.1, 0.1, 0.2, 0.4, 0.9, 1.0)
    grows = [*jumps, replace(jumps[-1], examples=2240, length=6)]
    draw_learning_curve(grows, TASK, tmp_path)
    lines = svg_text(tmp_path / "learning-curve.svg").splitlines()
    assert any(names(line, "plateau", 960, 3, "20 %") for line in lines)
    assert any(names(line, "jump", 640, "90 %") for line in lines)
    draw_learning_curve(history(0.1, 0.1), TASK, tmp_path)
    words = svg_text(tmp_path / "learning-curve.svg")
    assert not any(word in words for word in ("plateau", "jump"))


def test_a_picture_that_cannot_be_written_leaves_the_one_before_it(tmp_path, monkeypatch):
    before = draw_learning_curve(HISTORY, TASK, tmp_path).read_bytes()

    def half(figure, path, **_):
        path.write_bytes(b"half")
        raise OSError

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", half)
    with pytest.raises(OSError):  # noqa: PT011  (that which was raised above, without words)
        draw_learning_curve(HISTORY[:2], TASK, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"learning-curve.png", "learning-curve.svg"}
    assert (tmp_path / "learning-curve.png").read_bytes() == before
