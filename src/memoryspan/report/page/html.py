"""The page: one HTML file, which opens from the disk and needs no network.

Its modules are plain JavaScript, `web/*.js`, and are put into the page in the order in which they import each other.
Names of runs and sweeps go into the page as text: escaped in the HTML, and without a single `<` in the data.
"""

import base64
import hashlib
import html
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from memoryspan._version import __version__
from memoryspan.files import atomic
from memoryspan.printable import printable, printable_lines

FILE = "report.html"

MADE_BY = '<meta name="generator" content="memoryspan report">'
"""The mark by which a page is recognised."""

MAIN = "main"

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:const|function\*?) (\w+))", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """The content of a page: a title and a sentence, the record behind a disclosure, and the data of its sections."""

    title: str
    sentence: str
    record: str
    data: dict[str, Any]


def write_page(page: Page, path: Path) -> Path:
    """Write the page in one step, and return its path; raises `OSError` where it cannot be written."""
    atomic.write(path, as_html(page).encode(errors="backslashreplace"))
    return path


def is_page(path: Path) -> bool:
    """Return whether a file is such a page."""
    return path.is_file() and MADE_BY.encode() in path.read_bytes()


def as_html(page: Page) -> str:
    """Return the content of the file."""
    style, code = _text("page.css"), script()
    return Template(_text("page.html")).substitute(
        policy=_policy(style, code),
        made_by=MADE_BY,
        style=style,
        script=code,
        title=html.escape(printable(page.title)),
        sentence=html.escape(printable(page.sentence)),
        record=html.escape(printable_lines(page.record)),
        version=__version__,
        data=json.dumps(page.data, allow_nan=False, ensure_ascii=False).replace("<", "\\u003c"),
    )


def _policy(style: str, script: str) -> str:
    """Return the security policy, which allows this script and this style, and nothing else."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style))
    script_hash, style_hash = (f"'sha256-{digest}'" for digest in hashes)
    return f"default-src 'none'; script-src {script_hash}; style-src {style_hash}; base-uri 'none'; form-action 'none'"


@cache
def script() -> str:
    """Return all modules as one script, each in a scope of its own, imported ones first."""
    modules: dict[str, str] = {}
    _collect(MAIN, modules)
    return "\n".join(modules.values())


def _collect(name: str, modules: dict[str, str]) -> None:
    if name in modules:
        return
    source = _text(f"{name}.js")
    for _, imported in _IMPORT.findall(source):
        _collect(imported, modules)
    exported = _EXPORT.findall(source)
    body = _EXPORT.sub("", _IMPORT.sub(r"const \1 = $\2;\n", source))
    modules[name] = f"const ${name} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();"


def _text(name: str) -> str:
    return files("memoryspan.report").joinpath("web", name).read_text(encoding="utf-8")
