import msgspec
import pytest

from memoryspan.accuracy import AccuracyRecord
from memoryspan.environment import Environment
from memoryspan.report.page.html import write_page
from memoryspan.report.page.sweep import sweep_page
from memoryspan.spans.kind import SPAN
from memoryspan.spans.trial import Span, SpanSweepConfig
from memoryspan.spec import Spec
from memoryspan.sweeps.manifest import new_manifest
from memoryspan.sweeps.sweep import Sweep
from memoryspan.sweeps.trial import Failure, TrialResult
from memoryspan.training import Budget
from tests.report.browser import opened
from tests.sweeps.tiny_sweep import config, result_of

MARKUP = "<script>alert(1)</script>"


def found(length):
    curve = tuple(
        AccuracyRecord(
            n_correct=int(1000 * share), examples=1000, length=at, chance=0.01, value=share, interval=(share, share)
        )
        for at, share in ((3, 1.0), (length, 0.97), (64, 0.2))
    )
    span = Span(length, length - 3, False)
    figures = {"learned": span, "held": span, "curve": curve, "parameters": 15_200}
    result = result_of(config(1).trials[0]).result
    assert result is not None
    return msgspec.structs.replace(result, **figures)


@pytest.fixture
def sweep(tmp_path):
    """Three models, two seeds: one furthest, one next, and one whose name is markup and which failed."""
    models = tuple(map(Spec, ("lstm", "gru", MARKUP)))
    task = Spec("echo", {"n_features": 100, "out_index": 2})
    asked = SpanSweepConfig(
        tasks=(task,), models=models, seeds=(0, 1), budget=Budget(examples=1000), batch_size=32, max_length=64
    )
    answers = {}
    for number, each in enumerate(asked.trials):
        answers[each.key] = TrialResult(
            memoryspan="0",
            trial=each,
            environment=Environment("cpu", {}, None),
            result=found(16 - 4 * (number // 2) - number % 2) if number < 4 else None,
            failure=None if number < 4 else Failure(MARKUP, ""),
        )
    return Sweep(SPAN, tmp_path, new_manifest(SPAN, asked), answers, ())


@pytest.fixture
def page_file(sweep, tmp_path):
    return write_page(sweep_page(sweep), tmp_path / "report.html")


def column(page, number):
    return page.locator(f"table.sortable tbody td:nth-child({number})").all_text_contents()


def test_the_sentence_names_the_model_that_remembers_furthest(sweep):
    assert "6 of 6" in sweep_page(sweep).sentence
    assert sweep_page(sweep).sentence.endswith("16 time steps, lstm on echo.")


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
        assert f"{MARKUP} on echo, seed 0: {MARKUP}" in page.text_content("#page")
        assert MARKUP in page.text_content("h1")


def test_a_table_that_is_wider_than_the_screen_shows_that_it_scrolls(browser, page_file):
    with opened(browser, page_file, viewport={"width": 380, "height": 800}) as page:
        table = page.locator(".scroll:has(table.sortable)")
        assert table.evaluate("(box) => box.scrollWidth > box.clientWidth")
        assert "local" in table.evaluate("(box) => getComputedStyle(box).backgroundAttachment")
        edges = [table.screenshot()]
        table.evaluate("(box) => { box.scrollLeft = box.scrollWidth }")
        edges.append(table.screenshot())
        assert edges[0] != edges[1]
        assert page.evaluate("document.documentElement.scrollWidth") <= 380


def test_a_sweep_without_an_answer_has_a_page_too(browser, sweep, tmp_path):
    sweep.results.clear()
    with opened(browser, write_page(sweep_page(sweep), tmp_path / "report.html")) as page:
        assert "0 of 6" in page.text_content("header")
