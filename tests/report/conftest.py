"""A browser for all tests of pages, and a small run that was trained once."""

import pytest

from memoryspan import Echo, lstm
from memoryspan.report.page.html import write_page
from memoryspan.report.page.run import run_page
from memoryspan.runs import Run
from memoryspan.spans import held_file
from memoryspan.spans.held import held_span
from memoryspan.training import TrainConfig
from tests.report.browser import CHROMIUM, QUIET

TASK = Echo(length=8, n_features=10)


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run that has learned an echo over 8 steps; to be read only."""
    directory = tmp_path_factory.mktemp("trained") / "run"
    Run.create(lstm(TASK, seed=0), TASK, TrainConfig(seed=0), directory=directory).train()
    return Run.load(directory)


@pytest.fixture(scope="session")
def trained_page(trained, tmp_path_factory):
    """Its page."""
    model, updates = trained.model_and_updates()
    held = held_file.as_record(held_span(model, TASK, max_length=32), updates)
    return write_page(run_page(trained, model, updates, held), tmp_path_factory.mktemp("page") / "report.html")
