"""A small table in HTML: how a result shows itself in a notebook. Its colours are the notebook's own."""

from collections.abc import Iterable, Sequence
from html import escape


def html_table(rows: Iterable[Sequence[object]], headings: Sequence[str] = (), caption: str = "") -> str:
    """A table whose rows begin with what they are about; all text is escaped."""
    parts = [f"<caption>{escape(caption)}</caption>"] if caption else []
    if headings:
        parts.append("".join(["<tr>", *(_cell("th", "col", heading) for heading in headings), "</tr>"]))
    for first, *others in rows:
        parts.append("".join(["<tr>", _cell("th", "row", first), *(_cell("td", "", cell) for cell in others), "</tr>"]))
    return "\n".join(["<table>", *parts, "</table>"])


def _cell(tag: str, scope: str, content: object) -> str:
    """Aligned left, where a notebook's own style puts sentences to the right."""
    of = f' scope="{scope}"' if scope else ""
    return f'<{tag}{of} style="text-align: left">{escape(str(content))}</{tag}>'
