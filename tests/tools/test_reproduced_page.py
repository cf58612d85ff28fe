import re
import subprocess
import sys
from dataclasses import replace
from math import inf

import click
import msgspec
import pytest

from memoryspan.reproduce.compare import Comparison
from memoryspan.reproduce.suite import SUITE
from memoryspan.stats import Interval
from tests.messages import names, naming
from tools.page import with_section
from tools.reproduced import DATA, DOCS, Measured, merged, read, section, write


def measured(name="echo/book", where="a machine", curriculum=True, **figures):
    experiment = SUITE[name]
    found = {
        "seeds": 3,
        "failures": 0,
        "solved": 3,
        "not_finite": 0,
        "sequences": 2848.0,
        "spread": None,
        "accuracy": 1.0,
        "seconds": 0.1,
        "parameters": 9,
    }
    (trial,) = (each for each in experiment.recipe.trials([0]) if each.curriculum is curriculum)
    return Measured(Comparison(experiment=experiment, trial=trial, **found | figures), where)


def test_a_section_has_the_command_the_table_and_the_machine():
    text = section("echo", [measured()])
    book = SUITE["echo/book"]
    assert "memoryspan reproduce echo/book --seeds 3\n" in text
    assert f"| echo/book | {book.published.model}" in text
    assert names(text, "10,000")
    assert "| 9 | 2,848 | 3 of 3 | 100.0 % | 0.1 |  |" in text
    assert names(text, book.what, book.published.source, "a machine", "tutorial")


def test_of_several_machines_each_has_its_experiments():
    rows = [measured(), measured(curriculum=False, where="another"), measured("echo/tutorial", where="another")]
    first, second = section("echo", rows).splitlines()[-4:-2]
    assert names(first, "a machine", "book")
    assert names(second, "another", "book", "tutorial")
    assert not names(first, "tutorial")


@pytest.mark.parametrize(
    "figures",
    [
        {"spread": Interval(100.0, 3000.0, False, 0.75)},
        {"spread": Interval(2848.0, inf, False, 0.75), "solved": 2},
        {"spread": Interval(inf, inf, False, 0.75), "sequences": inf, "solved": 0, "not_finite": 1},
        dict.fromkeys(["sequences", "accuracy", "seconds", "parameters"]) | {"seeds": 0, "solved": 0, "failures": 3},
    ],
)
def test_what_is_written_is_what_is_read(tmp_path, figures):
    rows = [measured(), measured(curriculum=False, **figures)]
    write(tmp_path / "data.jsonl", rows)
    assert list(read(tmp_path / "data.jsonl")) == rows


def test_where_nothing_is_written_nothing_is_read(tmp_path):
    assert list(read(tmp_path / "data.jsonl")) == []


def test_a_new_row_replaces_an_old_one_in_the_order_of_the_suite():
    book, bare, tutorial = measured(), measured(curriculum=False), measured("echo/tutorial")
    new = measured(where="new", seeds=4)
    assert merged([bare, book, tutorial], [new]) == [tutorial, new, bare]


def test_a_row_of_fewer_seeds_replaces_none():
    with pytest.raises(click.ClickException, match=naming("echo/book", 3, 1)):
        merged([measured()], [measured(seeds=1)])


def test_a_row_of_no_experiment_of_the_suite_is_refused():
    gone = measured()
    gone = replace(gone, row=replace(gone.row, trial=msgspec.structs.replace(gone.row.trial, experiment="echo/gone")))
    with pytest.raises(click.ClickException, match=naming("echo/gone")):
        merged([gone], [])


@pytest.mark.slow
def test_it_writes_the_page_and_its_picture_from_a_sweep(tmp_path):
    sweep, docs = tmp_path / "sweep", tmp_path / "docs"
    docs.mkdir()
    (docs / "reproduced.md").write_text("# Mine\n\nstays\n")
    for command in (
        ["memoryspan", "reproduce", "echo/book", "--seeds", "1", "--workers", "1", "--dir", str(sweep)],
        ["tools.reproduced", str(sweep), str(sweep), "--docs", str(docs)],
    ):
        subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    text = (docs / "reproduced.md").read_text()
    assert text.startswith("# Mine\n\nstays\n\n<!-- begin: echo -->\n\n## echo\n")
    assert text.count("| echo/book |") == text.count("| 1 of 1 |") == 2  # given twice, a seed is still one
    # There is no figure to draw it against.
    assert {file.name for file in docs.iterdir()} == {"reproduced.md", "reproduced.jsonl"}


def test_the_page_of_the_documentation_is_written_from_the_rows_beside_it():
    rows, page = list(read(DOCS / DATA)), (DOCS / "reproduced.md").read_text()
    assert rows == merged(rows, [])
    papers = dict.fromkeys(each.row.name.partition("/")[0] for each in rows)
    assert sorted(papers) == sorted(re.findall("<!-- begin: (.+) -->", page))
    for paper in papers:
        of_paper = [each for each in rows if each.row.name.startswith(f"{paper}/")]
        assert with_section(page, paper, section(paper, of_paper)) == page


@pytest.mark.parametrize("each", [*read(DOCS / DATA)], ids=lambda each: f"{each.row.name} {each.row.trial.curriculum}")
def test_a_row_of_the_documentation_was_measured_by_the_recipe_that_the_suite_has(each):
    assert each.row.trial in SUITE[each.row.name].recipe.trials([each.row.trial.seed])
