import math
from dataclasses import replace

import pytest
from matplotlib.image import imread

from memoryspan.report.reproduced import draw_reproduced, drawn
from memoryspan.report.reproduced_table import TITLES, cells_of, notes
from memoryspan.reproduce.compare import Comparison
from memoryspan.reproduce.suite import SUITE
from memoryspan.spans.summary import Interval

ADDING, BOOK, TUTORIAL, KENT = (
    SUITE[name] for name in ("lstm-1997/adding-100", "echo/book", "echo/tutorial", "echo/kent-murray")
)

ROW = Comparison(
    name=ADDING.name,
    experiment=ADDING,
    curriculum=True,
    seeds=5,
    failures=0,
    solved=5,
    budget=74_000,
    sequences=26_640.0,
    spread=Interval(21_384.0, 39_048.0, False, 0.9375),
    accuracy=0.9996,
    rms_error=0.009,
    seconds=0.62,
    parameters=361,
)
NEVER = replace(ROW, curriculum=False, solved=0, sequences=math.inf, spread=Interval(math.inf, math.inf, False, 0.9375))


def test_a_row_shows_both_figures_and_their_ratio():
    assert dict(zip(TITLES, cells_of(ROW), strict=True)) == {
        "experiment": "lstm-1997/adding-100",
        "published": "LSTM, 2 blocks of 2 cells, 93 weights: 74,000 sequences",
        "curriculum": "with",
        "sequences": "26,640 (21,384 to 39,048)",
        "solved": "5 of 5",
        "right": "100.0 %",
        "seconds": "0.6",
        "ratio": "0.36",
    }


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
    assert cells_of(replace(NEVER, **change))[3] == said


def test_failures_are_said():
    assert cells_of(replace(ROW, failures=2))[4] == "5 of 5, 2 failed"


def test_notes_have_the_source_the_recipe_and_what_differs():
    far = (SUITE[f"lstm-1997/distractors-{name}"] for name in ("50-50", "1000-50"))
    rows = [ROW, NEVER, *(replace(ROW, name=each.name, experiment=each) for each in (*far, KENT))]
    said = notes(rows)
    assert said[0] == "In brackets: the range over seeds, which holds the median of all seeds in 94 % of such sweeps."
    assert said[1].startswith(
        "lstm-1997/adding-100: add two marked numbers out of 100 to 110. Hochreiter & Schmidhuber"
    )
    assert "Here lstm,units=8, 8 sequences an update; until 2,000 fresh sequences in a row" in said[1]
    assert said[3].startswith("  Lengths are uniform over 21 values")
    assert said[5] == "  As of lstm-1997/distractors-50-50."
    assert said[-1].startswith("  Another task: theirs is a pulse")
    assert len([sentence for sentence in said if sentence.startswith("lstm-1997/adding-100")]) == 1


def test_only_what_has_both_figures_is_drawn():
    kent = replace(ROW, name=KENT.name, experiment=KENT)
    unknown = replace(ROW, experiment=None)
    unanswered = replace(ROW, sequences=None, spread=None)
    tutorial = replace(ROW, name=TUTORIAL.name, experiment=TUTORIAL)  # which never got there
    assert drawn([ROW, NEVER, kent, unknown, unanswered, tutorial]) == [ROW, NEVER]


def test_the_picture_has_a_dot_for_each_and_its_name(tmp_path):
    book = replace(ROW, name=BOOK.name, experiment=BOOK, sequences=2848.0, spread=None)
    path = draw_reproduced([ROW, NEVER, book], tmp_path / "reproduced.png")
    assert imread(path).std() > 0.05
    svg = path.with_suffix(".svg").read_text()
    for text in ("lstm-1997/adding-100", "echo/book", "sequences, as published", "not within the budget"):
        assert f"<!-- {text} -->" in svg
    assert svg.count("<!-- lstm-1997/adding-100 -->") == 1
