"""The pictures of the documentation, and the README's table of spans, by the commands that stand beside them.

    python -m tools.pictures

takes about ten minutes the first time; what it makes on the way is kept in build/, and a sweep there goes on.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from memoryspan.report.tables.span import TITLES, cells_of
from memoryspan.spans.kind import SPAN
from memoryspan.spans.summary import summarise
from memoryspan.sweeps.sweep import read_sweep
from memoryspan.tables import TextTable, markdown_table

ROOT = Path(__file__).parents[1]
BUILD, DOCS, README = ROOT / "build", ROOT / "docs", ROOT / "README.md"

SEQUENCE = "60,56,22,7,81,3,44,19,95,60,8,31"
"""The one that docs/tutorial.md looks at."""


def main() -> None:
    draw_run()
    draw_sweep()


def draw_run() -> None:
    """A trained model: how it learned, what it does, and how far it holds."""
    run = BUILD / "echo-lstm-50"
    shutil.rmtree(run, ignore_errors=True)
    memoryspan("train", "--run", str(run))
    memoryspan("span", str(run))
    shutil.copy(run / "learning-curve.png", DOCS / "learning-curve.png")
    shutil.copy(run / "span.png", DOCS / "held-span.png")
    memoryspan("trace", str(run), "--sequence", SEQUENCE, "-o", str(DOCS / "trace.png"))
    memoryspan("report", str(run))
    photograph(run / "report.html", DOCS / "report.png")


def photograph(page_file: Path, picture: Path) -> None:
    """The page as it opens, down to its first maps; needs Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 960, "height": 1150})
        page.goto(page_file.as_uri())
        page.fill("#sequence", SEQUENCE.replace(",", ", "))
        page.focus("#step")
        page.wait_for_timeout(1000)
        page.screenshot(path=picture)
        browser.close()


def draw_sweep() -> None:
    """Models side by side."""
    memoryspan(*span_command()[1:], "--dir", str(BUILD / "span"))
    shutil.copy(BUILD / "span" / "span.png", DOCS / "span.png")
    README.write_text(with_table(README.read_text(), table(BUILD / "span")))


def memoryspan(*arguments: str) -> None:
    print(shlex.join(["memoryspan", *arguments]), flush=True)
    subprocess.run([sys.executable, "-m", "memoryspan", *arguments], check=True)


def span_command() -> list[str]:
    """The README's own."""
    (line,) = re.findall(r"^memoryspan span .*$", README.read_text(), re.MULTILINE)
    return shlex.split(line)


def table(sweep: Path) -> str:
    """The spans of a sweep on one task, in Markdown."""
    rows = [cells_of(row)[1:] for row in summarise(read_sweep(sweep, SPAN).completed)]
    return markdown_table(TextTable(TITLES[1:], 1, rows))


def with_table(text: str, lines: str) -> str:
    """The page with this table between its two comments."""
    return re.sub(r"(<!-- span -->\n).*?(<!-- /span -->)", rf"\1\n{lines}\n\n\2", text, flags=re.DOTALL)


if __name__ == "__main__":
    main()
