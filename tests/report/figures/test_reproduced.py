import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from memoryspan.report.figures.reproduced import BESIDE, dots, draw_reproduced, heights
from memoryspan.report.tables.reproduced import TITLES, cells_of, notes, one_line
from memoryspan.reproduce.compare import Comparison, compare
from memoryspan.reproduce.suite import SUITE
from memoryspan.stats import Interval
from tests.messages import names
from tests.reproduce.made_up import answer

ADDING, REBER, TUTORIAL, KENT = (
    SUITE[name] for name in ("lstm-1997/adding-100", "lstm-1997/embedded-reber", "echo/tutorial", "echo/kent-murray")
)


def row_of(experiment, **fields) -> Comparison:
    """Five seeds that solve it, with the curriculum."""
    (trial, *_) = experiment.recipe.trials([0])
    given = {
        "seeds": 5,
        "failures": 0,
        "solved": 5,
        "not_finite": 0,
        "sequences": 26_640.0,
        "spread": Interval(21_384.0, 39_048.0, False, 0.9375),
        "accuracy": 0.9996,
        "seconds": 0.62,
        "parameters": 361,
    }
    return Comparison(experiment=experiment, trial=trial, **(given | fields))


ROW = row_of(ADDING)
NEVER = replace(
    ROW,
    trial=ADDING.recipe.trials([0])[1],
    solved=0,
    sequences=math.inf,
    spread=Interval(math.inf, math.inf, False, 0.9375),
)


def test_a_row_shows_both_figures_and_their_ratio():
    experiment, published, curriculum, *figures = cells_of(ROW)
    assert len(cells_of(ROW)) == len(TITLES)
    assert experiment == "lstm-1997/adding-100"
    assert names(published, ADDING.published.model, ADDING.published, "74,000")
    assert curriculum != cells_of(NEVER)[2]
    assert figures == ["361", "26,640 (21,384 to 39,048)", "5 of 5", "100.0 %", "0.6", "0.36"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "> 74,000"),
        ({"sequences": 30_000.0, "spread": Interval(1000.0, math.inf, False, 0.9375)}, "30,000 (1,000 to > 74,000)"),
        ({"sequences": 30_000.0, "spread": None}, "30,000"),
        ({"sequences": None, "spread": None}, ""),
    ],
)
def test_where_the_criterion_is_not_met_the_budget_is_a_bound(change, said):
    assert cells_of(replace(NEVER, **change))[4] == said


def test_failures_are_said():
    assert names(cells_of(replace(ROW, failures=2))[5], "5 of 5", 2)
    assert names(cells_of(replace(ROW, solved=4, not_finite=1))[5], "4 of 5", 1)


def test_notes_have_the_source_the_recipe_and_what_differs():
    far = [SUITE[f"lstm-1997/distractors-{name}"] for name in ("50-50", "1000-50")]
    rows = [ROW, NEVER, *(row_of(each) for each in (*far, KENT))]
    said = notes(rows)
    assert names(said.pop(0), "2,560")
    assert names(said[0], "94 %")
    assert names(said[1], "lstm-1997/adding-100", ADDING.what, ADDING.published.source, "lstm,units=8", 8, "2,000")
    assert far[0].differs in said[3]
    assert names(said[5], "lstm-1997/distractors-50-50")
    assert KENT.differs in said[-1]
    assert len([sentence for sentence in said if sentence.startswith("lstm-1997/adding-100")]) == 1


def test_a_result_counts_what_it_was_trained_on_and_the_table_adds_what_met_the_criterion_where_the_paper_does():
    found = answer("lstm-1997/adding-100", 0, 39_048)
    n_consecutive = found.trial.criterion.n_consecutive
    (row,) = compare([found])
    (of_the_experiment,) = (note for note in notes([row]) if note.startswith("lstm-1997/adding-100"))
    assert names(one_line(found), "39,048", f"{n_consecutive:,}")
    assert names(cells_of(row)[4], f"{39_048 + n_consecutive:,}")
    assert names(of_the_experiment.rpartition("twice.")[2], f"{n_consecutive:,}")
    (row,) = compare([answer("echo/kent-murray", 0, 39_048)])
    assert names(cells_of(row)[4], "39,048")
    assert not any(note.rpartition("twice.")[2] for note in notes([row]) if note.startswith("echo/kent-murray"))


def test_only_what_has_both_figures_is_drawn():
    kent = row_of(KENT)
    unknown = replace(ROW, experiment=None)
    unanswered = replace(ROW, sequences=None, spread=None)
    tutorial = row_of(TUTORIAL)  # which never got there
    found = dots([ROW, NEVER, kent, unknown, unanswered, tutorial])
    assert [(dot.curriculum, dot.solved, dot.published, dot.measured) for dot in found] == [
        (True, True, 74_000, 26_640),
        (False, False, 74_000, 74_000),  # at the budget
    ]
    assert (found[0].low, found[0].high) == (21_384, 39_048)


def test_the_picture_has_a_dot_for_each_and_its_name(tmp_path):
    reber = row_of(REBER, sequences=2848.0, spread=None)
    path = draw_reproduced(dots([ROW, NEVER, reber]), tmp_path / "reproduced.png")
    assert imread(path).std() > 0.05
    svg = path.with_suffix(".svg").read_text()
    assert svg.count("<!-- lstm-1997/embedded-reber -->") == 1
    assert svg.count("<!-- lstm-1997/adding-100 -->") == 1


share = st.integers(0, 50).map(lambda number: number / 50)


@given(st.lists(st.tuples(share, share), min_size=1, max_size=12, unique=True))
def test_no_two_lines_to_a_name_cross(points):
    beside = heights(np.array(points))
    assert len(set(beside)) == len(points)

    def side(begin, end, point):
        (x, y), (u, v) = np.subtract(end, begin), np.subtract(point, begin)
        return x * v - y * u

    lines = [(point, (BESIDE, height)) for point, height in zip(points, beside, strict=True)]
    for (a, b), (c, d) in combinations(lines, 2):
        crosses = side(a, b, c) * side(a, b, d) < -1e-9 and side(c, d, a) * side(c, d, b) < -1e-9
        assert not crosses, (a, b, c, d)
