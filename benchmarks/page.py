"""`docs/performance.md`: a measured section stands between two comments, and the command that made it replaces it."""

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

HEAD = """\
# Performance

Every section is written by the command in it, with `--write`, and never by hand.
"""


def write_section(page: Path, title: str, body: str) -> None:
    """Replaces the section of this title, or appends it; the rest of the page stays as it is."""
    text = page.read_text(encoding="utf-8") if page.exists() else HEAD
    page.write_text(with_section(text, title, body), encoding="utf-8")


def with_section(text: str, title: str, body: str) -> str:
    """The page with that section in it; raises `ValueError` where the section begins and does not end."""
    begin, end = f"<!-- begin: {title} -->", f"<!-- end: {title} -->"
    section = f"{begin}\n\n## {title}\n\n{body.strip()}\n\n{end}"
    before, found, rest = text.partition(begin)
    if not found:
        return f"{text.rstrip()}\n\n{section}\n"
    _, ended, after = rest.partition(end)
    if not ended:
        raise ValueError(f"The page has {begin!r} without {end!r}: put it back, or remove the section.")
    return before + section + after
