"""The documentation is built strictly, has everything, asks for nothing from the network, and does what it says."""

import html
import inspect
import os
import re
import subprocess
import sys
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest
from filelock import FileLock
from sphinx.util.inventory import InventoryFile

import memoryspan
from memoryspan.cli.main import COMMANDS, cli
from memoryspan.models import MODELS
from memoryspan.tasks import TASKS
from tests import pages

RUN_ELSEWHERE = {"README.md", "tutorial.md"}
WITH_BLOCKS = sorted(
    name
    for name, path in pages.PAGES.items()
    if name not in RUN_ELSEWHERE and any(block.runs for block in pages.blocks(path.read_text()))
)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site as `make docs` builds it, where every warning is an error; once for all workers."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    built = root / "site"
    with FileLock(root / "site.lock"):
        if not built.exists():
            out = root / "site-in-the-making"
            command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
            done = subprocess.run(
                [*command, "-d", root / "doctrees", pages.ROOT / "docs", out], capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            out.rename(built)
    return built


@pytest.fixture(scope="session")
def inventory(site):
    """Where each name of the reference stands, by kind and name."""
    return InventoryFile.loads((site / "objects.inv").read_bytes(), uri="").data


# What the site has


def test_every_public_name_is_in_the_reference(inventory):
    found = {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}
    assert {f"memoryspan.{name}" for name in memoryspan.__all__} <= found


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_command_is_in_the_reference_with_each_of_its_options(name, inventory):
    command = cli.get_command(click.Context(cli), name) if name else cli
    assert command is not None
    program = f"memoryspan-{name}".rstrip("-")
    options = {f"{program}.{option}" for parameter in command.params for option in parameter.opts if option[0] == "-"}
    assert options
    assert options <= set(inventory["std:cmdoption"])


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_in_the_reference_with_each_of_its_settings(name, site):
    text = section(site / "tasks.html", name)
    assert [field.name for field in fields(TASKS[name]) if f"{field.name}={field.default}" not in text] == []
    assert inspect.cleandoc(TASKS[name].__doc__ or "").split("\n")[0].replace("`", "") in text


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_in_the_reference_with_each_of_its_settings(name, site):
    text = section(site / "models.html", name)
    _, *parameters = inspect.signature(MODELS[name]).parameters.values()
    assert [each.name for each in parameters if f"{each.name}={each.default}" not in text] == []


def section(page: Path, heading: str) -> str:
    """The text of a page under a heading."""
    _, *parts = re.split(r"<h2>", page.read_text())
    texts = [" ".join(html.unescape(re.sub(r"<[^>]+>", "", part)).split()) for part in parts]
    (found,) = (text for text in texts if re.match(rf"{heading}\b", text))
    return found


# What the site does


class Links(HTMLParser):
    """What a page leads to, what it loads by itself, and the places in it that can be led to."""

    def __init__(self, page: Path):
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.places: set[str] = {""}
        self.feed(page.read_text())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places |= {given["id"] or ""} if "id" in given else set()
        self.links |= {given["href"] or ""} if "href" in given else set()
        self.loads |= {given[name] or "" for name in ("src", "srcset", "data", "poster") if name in given}
        self.loads |= {given["href"] or ""} if tag == "link" and "href" in given else set()


def test_every_link_within_the_site_resolves(site):
    read = {page: Links(page) for page in site.rglob("*.html")}
    assert len(read) > 20
    for page, found in read.items():
        for link in found.links | found.loads:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), f"{page.name} leads to {link}"
            if parts.fragment and target.suffix == ".html":
                assert unquote(parts.fragment) in read[target].places, f"{page.name} leads to {link}"


def test_the_site_asks_for_nothing_from_the_network(site):
    for page in site.rglob("*.html"):
        assert [what for what in Links(page).loads if urlsplit(what).netloc] == [], page.name
    for sheet in site.rglob("*.css"):
        assert re.findall(r"@import[^;]*//[^;]*|url\(['\"]?(?:https?:)?//[^)]*", sheet.read_text()) == [], sheet.name


def test_formulas_need_no_script(site):
    text = (site / "recurrence.html").read_text()
    assert text.count("<math ") > 20
    assert "MathJax" not in text


# What the pages say


@pytest.mark.parametrize("name", WITH_BLOCKS)
def test_the_blocks_of_a_page_run_in_their_order(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pages.run(name, tmp_path)


@pytest.mark.parametrize("name", sorted(pages.PAGES | pages.EXAMPLES))
def test_the_commands_take_the_command_lines_that_are_shown(name):
    for arguments in pages.command_lines(name):
        pages.parse(arguments)


@pytest.mark.parametrize("name", sorted(pages.PAGES))
def test_the_commands_take_the_command_lines_in_sentences(name):
    for arguments in pages.command_lines_in_sentences(name):
        pages.parse(arguments, in_full=False)


@pytest.mark.parametrize("name", sorted(pages.PAGES))
def test_links_lead_to_what_is_in_the_repository(name):
    path = pages.PAGES[name]
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / link).exists(), link


def test_command_lines_are_found():
    assert len(pages.command_lines("tutorial.md")) > 5
    assert len(pages.command_lines("own_model.py")) == 3
    assert ["predict", "runs/echo-lstm-50-001", "--sequence", "9,8,7,6,5,4,3,2,1"] in pages.command_lines("tutorial.md")


def test_a_command_line_that_is_wrong_is_noticed():
    for arguments in (["train", "--lenght", "3"], ["train", "--length", "three"], ["predict"]):
        with pytest.raises(click.UsageError):
            pages.parse(arguments)
    with pytest.raises(AssertionError):
        pages.parse(["trian"])


@pytest.mark.slow
def test_the_tutorial_runs_and_every_file_that_it_leaves_is_described(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pages.run("tutorial.md", tmp_path)
    described = (pages.ROOT / "docs" / "run-files.md").read_text()
    names = {path.name for path in Path("runs/echo-lstm-50-001").iterdir()}
    assert {"run.json", "report.html", "trace.png"} <= names
    assert {name for name in names if f"`{name}" not in described} == set()
