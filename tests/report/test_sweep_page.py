import re

import pytest
from messages import names

from memoryspan.named import Named
from memoryspan.report.page import write_page
from memoryspan.report.sweep_page import sweep_page
from memoryspan.runs.record import Environment, Measured
from memoryspan.spans import manifest
from memoryspan.spans.answer import Answer, Failure
from memoryspan.spans.cell import Found, Span
from memoryspan.spans.manifest import Question
from memoryspan.spans.sweep import Sweep
from memoryspan.training import Budget

from .browser import opened

MARKUP = "<script>alert(1)</script>"


def found(length):
    curve = tuple(
        Measured(right=int(1000 * share), examples=1000, length=at, chance=0.01, value=share, interval=(share, share))
        for at, share in ((3, 1.0), (length, 0.97), (64, 0.2))
    )
    span = Span(length, length - 3, False)
    return Found(
        learned=span,
        held=span,
        curve=curve,
        ended="budget",
        parameters=15_200,
        path="unroll",
        updates=9,
        examples=9,
        tokens=9,
        skipped=0,
        seconds=1.0,
    )


@pytest.fixture
def sweep(tmp_path):
    """Three models, two seeds: one furthest, one next, and one whose name is markup and which failed."""
    models = tuple(map(Named, ("lstm", "gru", MARKUP)))
    task = Named("echo", {"n_features": 100, "out_index": 2})
    asked = Question(
        tasks=(task,), models=models, seeds=(0, 1), budget=Budget(examples=1000), batch_size=32, longest=64
    )
    answers = {}
    for number, each in enumerate(asked.cells):
        answers[each.key] = Answer(
            memoryspan="0",
            cell=each,
            environment=Environment("cpu", {}, None),
            found=found(16 - 4 * (number // 2) - number % 2) if number < 4 else None,
            failure=None if number < 4 else Failure(MARKUP, ""),
        )
    return Sweep(tmp_path, manifest.write(tmp_path, asked), answers, ())


@pytest.fixture
def page_file(sweep, tmp_path):
    return write_page(sweep_page(sweep), tmp_path / "report.html")


def column(page, number):
    return page.locator(f"table.sortable tbody td:nth-child({number})").all_text_contents()


def test_the_sentence_names_the_model_that_remembers_furthest(sweep):
    assert names(sweep_page(sweep).sentence, "6 of 6", 16, "lstm", "echo")
    assert "gru" not in sweep_page(sweep).sentence


def test_the_table_sorts_by_a_click_and_says_so(browser, page_file):
    with opened(browser, page_file) as page:
        assert column(page, 2) == ["lstm", "gru", MARKUP]
        head = page.locator("th", has_text="learned span")
        head.locator("button").click()
        assert column(page, 2) == [MARKUP, "gru", "lstm"]
        assert head.get_attribute("aria-sort") == "ascending"
        head.locator("button").click()
        assert column(page, 2) == ["lstm", "gru", MARKUP]
        assert head.get_attribute("aria-sort") == "descending"


def test_it_has_a_line_for_each_model_that_was_measured(browser, page_file):
    with opened(browser, page_file) as page:
        assert page.locator(".legend li").all_text_contents() == ["lstm", "gru"]
        assert page.locator("path.series").count() == 2
        assert page.locator("path.band").count() == 2


def test_errors_and_names_are_shown_as_text(browser, page_file):
    with opened(browser, page_file) as page:
        text = page.text_content("#page")
        assert re.search(rf"{re.escape(MARKUP)}[^<]*echo[^<]*seed 0[^<]*{re.escape(MARKUP)}", text)
        assert MARKUP in page.text_content("h1")


def test_a_sweep_without_an_answer_has_a_page_too(browser, sweep, tmp_path):
    sweep.answers.clear()
    with opened(browser, write_page(sweep_page(sweep), tmp_path / "report.html")) as page:
        assert names(page.text_content("header"), "0 of 6")
