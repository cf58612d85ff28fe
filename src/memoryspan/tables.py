"""Tables as text, in Markdown and in HTML; `cli/table.py` shows them on a terminal."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple


class TextTable(NamedTuple):
    """The first `n_words` columns hold words, the others numbers."""

    titles: Sequence[str]
    n_words: int
    rows: Sequence[Sequence[str]]


def markdown_table(table: TextTable) -> str:
    """Return a table in Markdown, with the numbers to the right."""
    alignment = ["---" if number < table.n_words else "---:" for number in range(len(table.titles))]
    return "\n".join(f"| {' | '.join(entries)} |" for entries in (table.titles, alignment, *table.rows))


def html_table(rows: Iterable[Sequence[object]], headings: Sequence[str] = (), caption: str = "") -> str:
    """Return a table for a notebook, whose rows begin with their headings; all text is escaped."""
    parts = [f"<caption>{escape(caption)}</caption>"] if caption else []
    if headings:
        parts.append("".join(["<tr>", *(_entry("th", heading, "col") for heading in headings), "</tr>"]))
    for first, *others in rows:
        parts.append("".join(["<tr>", _entry("th", first, "row"), *(_entry("td", other) for other in others), "</tr>"]))
    return "\n".join(["<table>", *parts, "</table>"])


def _entry(tag: str, content: object, scope: str = "") -> str:
    """Aligned to the left, because a notebook's own style aligns sentences to the right."""
    attribute = f' scope="{scope}"' if scope else ""
    return f'<{tag}{attribute} style="text-align: left">{escape(str(content))}</{tag}>'
