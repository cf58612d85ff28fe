import json
import re
import shutil
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from memoryspan import Echo, generate_sequence, lstm, predict
from memoryspan.models import make_model
from memoryspan.report.page.html import as_html, write_page
from memoryspan.report.page.run import _about, run_page
from memoryspan.runs import Run, history_file
from memoryspan.spec import Spec
from memoryspan.tasks import Adding, make_task
from memoryspan.training import HistoryRow
from tests.messages import names
from tests.report.browser import opened, wait_until

MARKUP = "<img src=x onerror=alert(1)><b>bold<script>alert(1)<!--"


def answer(page):
    return page.text_content(".answer strong")


def beside_the_answer(page):
    """What is said of the answer, without the answer itself."""
    return page.text_content(".answer").replace(answer(page), "", 1)


def chips(page):
    return page.locator(".chip").all_text_contents()


def share(page, step):
    """How much of the symbol of a step is in memory, in percent."""
    label = page.locator(".chip").nth(step).get_attribute("aria-label")
    return int(re.findall(r"(\d+) %", label)[0])


def wait_for_shares(page):
    wait_until(page, "document.querySelector('.chip').ariaLabel.includes(' %')")


def page_of(run):
    model, updates = run.model_and_updates()
    return run_page(run, model, updates, None)


def untrained(directory, task, model=None, **settings):
    """The page of a run that has just begun."""
    task = make_task(Spec(task, settings))
    run = Run.create(model or make_model(Spec("lstm", {"units": 6}), task, 0), task, directory=directory / "run")
    run.lock.release()
    return write_page(page_of(Run.load(run.directory)), directory / "page.html")


def test_the_page_of_a_trained_run_is_small_and_says_what_was_measured(trained_page, trained):
    text = trained_page.read_text()
    assert len(text) < 3_000_000
    assert names(text, f"{trained.record.results.accuracy.n_correct} of 1000", "95 %")
    assert json.dumps(trained.record.environment.device) in text.replace("&quot;", '"')


def test_a_long_history_is_drawn_from_some_of_its_rows(browser, trained, tmp_path):
    """A browser takes about a hundred thousand numbers at once, and draws none of more."""
    run = shutil.copytree(trained.directory, tmp_path / "run")
    last = trained.history()[-1]
    history_file.rewrite(run, [replace(last, updates=n, examples=32 * n) for n in range(1, 200_001)])
    page = page_of(Run.load(run))
    drawn = [row["examples"] for row in page.data["history"]]
    assert drawn == sorted(drawn)
    assert len(drawn) <= 2_001
    assert (drawn[0], drawn[-1]) == (32, 6_400_000)
    with opened(browser, write_page(page, tmp_path / "report.html")):
        pass


@dataclass(frozen=True)
class Both(Adding):
    """Both numbers of the last step."""

    @property
    def n_outputs(self):
        return 2

    def sample(self, key, batch_size, length):
        batch = super().sample(key, batch_size, length)
        return batch._replace(targets=batch.inputs[:, -1])

    def correct(self, predictions, targets):
        return (abs(predictions - targets) < self.tolerance).all(-1)


def test_the_page_of_a_task_of_vectors_says_why_nothing_can_be_tried_in_it(tmp_path):
    run = Run.create(lstm(Both(4), units=3, seed=0), Both(4), directory=tmp_path / "run")
    run.lock.release()
    data = page_of(Run.load(run.directory, Both)).data
    assert (data["network"], data["examples"]) == (None, [])
    assert names(data["reason"], 2)


def test_the_page_says_what_the_task_is(trained):
    assert names(page_of(trained).sentence, 2, 8, 10)


@pytest.mark.parametrize(("form", "other"), [("bai", "1997"), ("1997", "bai")])
def test_a_setting_that_is_a_word_does_not_take_the_place_of_its_name(form, other):
    sentence = _about(Adding(1234, form=form))
    assert names(sentence, "1,234", f"form (here {form})", f'"{form}"', f'"{other}"')


def test_typing_a_sequence_shows_the_answer_of_the_model(browser, trained_page, trained):
    model, rng = trained.model(), np.random.default_rng(0)
    with opened(browser, trained_page) as page:
        for length in (3, 8, 30):
            sequence = generate_sequence(length, 10, rng=rng)
            page.fill("#sequence", ", ".join(map(str, sequence)))
            probabilities = np.asarray(predict(model, sequence, probabilities=True))
            ((said, percentage),) = re.findall(r"^(\d+) \(([\d.]+) %\)$", answer(page))
            assert int(said) == probabilities.argmax()
            assert float(percentage) == pytest.approx(100 * probabilities.max(), abs=0.11)
            assert chips(page) == [str(symbol) for symbol in sequence]
            assert names(beside_the_answer(page), sequence[2])


def test_what_cannot_be_read_is_said_and_the_last_sequence_stays(browser, trained_page):
    with opened(browser, trained_page) as page:
        before = chips(page)
        refused = (("1 2 10", [0, 9, 10]), ("1 x 3", [0, 9, "x"]), ("", ["step"]), ("1 2", [2, 3]))
        for text, words in (*refused, ("1 " * 501, [500, 501])):
            page.fill("#sequence", text)
            assert names(page.text_content(".error"), *words)
            assert chips(page) == before
        page.fill("#sequence", "1 2 3")
        assert page.text_content(".error") == ""


def test_rolling_gives_another_sequence_of_the_length_asked_for(browser, trained_page):
    with opened(browser, trained_page) as page:
        page.fill("#length", "20")
        page.click("#roll")
        first = chips(page)
        page.click("#roll")
        assert (len(first), len(chips(page))) == (20, 20)
        assert chips(page) != first


def test_the_symbol_to_echo_is_ringed_and_what_stays_in_memory(browser, trained_page):
    with opened(browser, trained_page) as page:
        page.fill("#sequence", "1 2 7 4 5 6 3 8")
        wait_for_shares(page)
        assert page.locator(".chip.remember").all_text_contents() == ["7"]
        assert share(page, 2) > 50
        assert share(page, 2) > max(share(page, step) for step in (4, 5, 6))


def test_before_the_training_the_last_symbols_are_what_is_in_memory(browser, trained_page):
    with opened(browser, trained_page) as page:
        page.evaluate(
            "window.shares = () => [...document.querySelectorAll('.chip')].map("
            "(one) => parseFloat(one.ariaLabel.split(', ').at(-1)))"
        )
        page.fill("#moment", "0")
        beginning = page.text_content("output[for=moment]")
        wait_until(page, "shares().at(-1) > Math.max(...shares().slice(0, 5))")
        assert float(re.findall(r"\(([\d.]+) %\)", answer(page))[0]) < 30
        page.fill("#moment", page.get_attribute("#moment", "max"))
        assert page.text_content("output[for=moment]") != beginning
        assert page.locator(".answer .right").count() == 1


def test_a_moment_tells_where_the_sequence_is_longer_than_all_that_the_model_had_seen(browser, trained_page):
    with opened(browser, trained_page) as page:
        page.fill("#moment", "1")
        for sequence, beyond in (("1 2 3", False), ("1 2 3 4 5 6 7 8 9 1 2 3", True)):
            page.fill("#sequence", sequence)
            assert names(page.text_content("output[for=moment]"), "this sequence has 12") is beyond


def test_sequences_that_are_shorter_than_those_of_the_task_are_said_to_be(browser, trained_page, tmp_path):
    with opened(browser, untrained(tmp_path, "echo", length=1234, n_features=5)) as page:
        assert names(page.text_content("#shorter"), "500", "1,234")
        assert len(chips(page)) == 500
    with opened(browser, trained_page) as page:
        assert page.locator("#shorter").count() == 0


def test_about_a_dozen_moments_of_the_training_can_be_watched(browser, trained_page):
    with opened(browser, trained_page) as page:
        assert 7 <= int(page.get_attribute("#moment", "max")) <= 16


def test_changing_one_symbol_tells_what_it_changed(browser, trained_page):
    with opened(browser, trained_page) as page:
        page.fill("#sequence", "1 2 7 4 5 6 3 8")
        page.locator(".chip").nth(2).click()
        page.fill("#symbol", "9")
        assert names(page.text_content(".changed"), 2, 7, 9)
        assert page.input_value("#sequence") == "1, 2, 9, 4, 5, 6, 3, 8"
        page.check("#difference")
        assert page.locator("figcaption", has_text="cell state, change").count() == 1
        page.fill("#symbol", "99")
        assert page.input_value("#sequence") == "1, 2, 9, 4, 5, 6, 3, 8"


def test_scrubbing_shows_the_answer_if_the_sequence_ended_there(browser, trained_page, trained):
    with opened(browser, trained_page) as page:
        page.fill("#sequence", "1 2 7 4 5 6 3 8")
        page.fill("#step", "4")
        assert names(page.text_content(".panel h3"), 4)
        assert answer(page).startswith(f"{predict(trained.model(), [1, 2, 7, 4, 5])} ")
        assert page.locator(".chip.ahead").count() == 3
        box = page.locator("canvas").first.bounding_box()
        place = box["x"] + box["width"] * 1.5 / 8, box["y"] + 5
        page.mouse.move(*place)
        assert page.input_value("#step") == "4"
        assert re.search(r"input gate, unit \d+, step 1: \d\.\d+", page.text_content("#try .reading"))
        page.mouse.click(*place)
        assert page.input_value("#step") == "1"


def test_playing_walks_to_the_end(browser, trained_page):
    with opened(browser, trained_page) as page:
        page.evaluate("window.seen = new Set(); setInterval(() => seen.add(document.querySelector('#step').value), 1)")
        page.click("text=Play")
        wait_until(page, "[...document.querySelectorAll('button')].some((one) => one.textContent === 'Play')")
        assert page.input_value("#step") == "7"
        assert len(page.evaluate("[...seen]")) > 3


def test_everything_is_within_reach_of_the_keyboard(browser, trained_page):
    with opened(browser, trained_page) as page:
        page.fill("#sequence", "1 2 7 4 5 6 3 8")
        page.locator(".chip[tabindex='0']").focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.textContent") == "4"
        page.keyboard.press("ArrowUp")
        assert chips(page)[3] == "5"
        page.keyboard.press("Home")
        page.keyboard.press("ArrowDown")
        assert chips(page)[0] == "0"
        page.focus("#step")
        page.keyboard.press("ArrowLeft")
        assert page.input_value("#step") == "6"
        page.focus("#roll")
        page.keyboard.press("Enter")
        assert page.input_value("#sequence") != "0, 2, 7, 5, 5, 6, 3, 8"


def test_what_is_drawn_has_a_name_for_who_does_not_see_it(browser, trained_page):
    with opened(browser, trained_page) as page:
        nameless = page.evaluate(
            """[...document.querySelectorAll('input, textarea, button, canvas, svg[role]')].filter((one) =>
            !one.ariaLabel && !one.labels?.length && !one.textContent.trim()).map((one) => one.outerHTML)"""
        )
        assert nameless == []
        assert page.locator("h1").count() == 1
        assert page.get_attribute("html", "lang") == "en"


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_is_never_wider_than_the_screen(browser, trained_page, width):
    with opened(browser, trained_page, viewport={"width": width, "height": 800}) as page:
        page.click("#roll")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_dark_scheme_is_dark_and_the_maps_follow(browser, trained_page):
    pixel = "document.querySelector('canvas').toDataURL()"
    with opened(browser, trained_page, color_scheme="light") as page:
        light = page.evaluate("getComputedStyle(document.body).backgroundColor"), page.evaluate(pixel)
        page.emulate_media(color_scheme="dark")
        wait_until(page, f"{pixel} !== '{light[1]}'")
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light[0] == "rgb(255, 255, 255)"
    assert dark == "rgb(18, 21, 27)"


def test_the_trace_is_saved_as_csv(browser, trained_page):
    with opened(browser, trained_page) as page:
        page.fill("#sequence", "1 2 7")
        with page.expect_download() as download:
            page.click("text=Save the trace as CSV")
        head, *rows = download.value.path().read_text().splitlines()
    assert head == "step,layer,array,unit,value"
    assert len(rows) == 3 * (1 + 6 * 25 + 10)
    assert rows[:3] == ["0,sequence,input,0,1", "1,sequence,input,0,2", "2,sequence,input,0,7"]
    assert rows[3].startswith("0,lstm,input,0,0.")


def test_the_plots_are_saved_as_svg(browser, trained_page):
    with opened(browser, trained_page) as page:
        assert page.locator(".plot").count() == 3
        with page.expect_download() as download:
            page.locator("text=Save as SVG").first.click()
        drawing = download.value.path().read_text()
    assert drawing.startswith("<svg")
    assert 'stroke="rgb(0, 114, 178)"' in drawing


def test_the_points_of_a_plot_are_read_out(browser, trained_page):
    with opened(browser, trained_page) as page:
        page.locator(".plot svg.chart").first.scroll_into_view_if_needed()
        box = page.locator(".plot svg.chart").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] - 40, box["y"] + 40)
        assert re.search(r"examples: \d+", page.locator(".plot .reading").first.text_content())


def test_the_page_may_neither_use_the_network_nor_evaluate_text(browser, trained_page):
    context = browser.new_context()
    page = context.new_page()
    page.goto(trained_page.as_uri())
    assert page.evaluate("fetch('data:,x').then(() => 'fetched', () => 'refused')") == "refused"
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
    )
    assert page.evaluate("window.ran") is None
    evaluated = page.evaluate(
        "new Promise((done) => { try { setTimeout('window.ran = 1', 0) } catch {} "
        "setTimeout(() => done(window.ran ?? 'refused'), 50) })"
    )
    assert evaluated == "refused"
    context.close()


def test_names_with_markup_in_them_are_shown_as_text(browser, tmp_path):
    task = Echo(length=5, n_features=6)
    model = lstm(task, units=4, seed=0)
    model.layers[0].name = MARKUP
    run = Run.create(model, task, directory=tmp_path / "run", builder=Spec(MARKUP))
    run.lock.release()
    page_file = write_page(page_of(Run.load(run.directory)), tmp_path / "<b>page.html")
    with opened(browser, page_file) as page:
        assert MARKUP in page.text_content("h1")
        assert MARKUP in page.text_content("pre")
        assert MARKUP in page.locator("figcaption").first.text_content()
        assert page.locator("img, b:text('bold')").count() == 0


@dataclass(frozen=True)
class Hostile(Echo):
    """Echo</script><script>ran = 1</script><img src=x onerror="ran = 1"> `length` ${style} $title ]]> --> `name`."""

    name = "</title><script>ran = 1</script>"


Hostile.__qualname__ = """x'"><svg onload="ran = 1"></pre></details>"""


def test_names_of_other_people_are_never_code(browser, tmp_path):
    task_class: Any = Hostile
    task = task_class(length=5, n_features=6)
    model = lstm(task, units=4, seed=0)
    for layer, name in zip(model.layers, ("</script><script>ran = 1</script>", "`${ran = 1}`"), strict=False):
        layer.name = name
    builder = Spec('mine.py:"><script>ran = 1</script>', {"<!--<script>": "</script><script>ran = 1</script>"})
    run = Run.create(model, task, directory=tmp_path / "run", builder=builder)
    run.lock.release()
    saved = Run.load(run.directory, task_class)
    page_file = write_page(run_page(saved, run.model, 0, None), tmp_path / "page.html")
    with opened(browser, page_file) as page:
        page.click("#roll")
        assert page.evaluate("[typeof ran, document.scripts.length, document.images.length]") == ["undefined", 2, 0]
        assert builder.name in page.text_content("h1")
        assert "</script><script>ran = 1</script>" in page.text_content("header p")
        assert page.locator("header svg").count() == 0


def test_a_model_that_does_not_run_in_a_page_is_shown_all_the_same(browser, tmp_path):
    task = make_task(Spec("echo", {"length": 8, "n_features": 10}))
    with opened(
        browser, untrained(tmp_path, "echo", make_model(Spec("min_gru"), task, 0), length=8, n_features=10)
    ) as page:
        assert names(page.text_content("#page"), "LSTM", "GRU", "SimpleRNN")
        assert page.locator("#sequence").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("copy", {"length": 21, "n_symbols": 4}),
        ("adding", {"length": 10}),
        ("parity", {"length": 8}),
        ("temporal_order", {}),
        ("delay", {"length": 12}),
        ("long_lag", {"length": 12}),
        ("distractors", {"length": 12}),
    ],
)
def test_any_task_of_the_package_can_be_tried(browser, tmp_path, task, settings):
    with opened(browser, untrained(tmp_path, task, **settings)) as page:
        first = chips(page)
        page.click("#roll")
        page.click("#roll")
        assert chips(page)
        assert page.text_content(".error") == ""
        assert answer(page).strip()
        verdicts = page.locator(".chip small").count() + page.locator(".answer span").count()
        assert verdicts > 0
        assert first


def test_where_a_task_does_not_tell_what_is_near_enough_no_answer_is_judged(browser, tmp_path):
    task = make_task(Spec("adding", {"length": 10}))
    run = Run.create(make_model(Spec("gru", {"units": 4}), task, 0), task, directory=tmp_path / "run")
    run.lock.release()
    page = page_of(Run.load(run.directory))
    page.data["task"]["tolerance"] = None
    with opened(browser, write_page(page, tmp_path / "page.html")) as shown:
        assert re.search(r"\d", beside_the_answer(shown))
        assert shown.locator(".answer .wrong, .answer .right").count() == 0


@pytest.mark.slow
def test_where_more_than_one_answer_may_be_right_none_is_judged(browser, tmp_path):
    with opened(browser, untrained(tmp_path, "embedded_reber", length=12)) as page:
        page.click("#roll")
        assert re.search(r"\d", beside_the_answer(page))
        assert page.locator(".answer .wrong, .answer .right").count() == 0
        assert all(re.fullmatch(r"\d\D+\d", verdict) for verdict in page.locator(".chip small").all_text_contents())
        assert page.locator(".chip small").count() == 12


def test_a_training_that_was_killed_is_shown_as_its_last_checkpoint_left_it(tmp_path):
    task = Echo(length=8, n_features=10)
    run = Run.create(lstm(task, units=4, seed=0), task, directory=tmp_path / "run")
    run.lock.release()
    history_file.append(run.directory, HistoryRow(140, 4480, 9000, 0, 0.1, 8, 0.9, 0.1))
    page = page_of(Run.load(run.directory))
    assert [moment["updates"] for moment in page.data["network"]["moments"]] == [0]
    assert names(page.sentence, "checkpoint")


def test_a_long_sequence_scrolls_so_that_the_step_is_in_view(browser, trained_page):
    with opened(browser, trained_page, viewport={"width": 390, "height": 800}) as page:
        page.fill("#length", "450")
        page.click("#roll")
        for step in ("449", "12"):
            page.fill("#step", step)
            left = page.locator(".cursor").first.bounding_box()["x"]
            assert 0 <= left <= 390


def test_a_page_is_the_same_text_each_time(trained):
    assert as_html(page_of(trained)) == as_html(page_of(trained))
