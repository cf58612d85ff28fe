"""Generated sections of a page: each is between two comments, and is replaced by the command that wrote it."""

from pathlib import Path


def write_section(page: Path, title: str, body: str) -> None:
    """Replace the section with this title, or append it; the rest of the page stays as it is."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    page.write_text(with_section(text, title, body), encoding="utf-8")


def with_section(text: str, title: str, body: str) -> str:
    """Return the page with this section in it; raise `ValueError` if the section has no end."""
    begin, end = f"<!-- begin: {title} -->", f"<!-- end: {title} -->"
    section = f"{begin}\n\n## {title}\n\n{body.strip()}\n\n{end}"
    before, found, rest = text.partition(begin)
    if not found:
        return f"{text.rstrip()}\n\n{section}\n".lstrip()
    _, ended, after = rest.partition(end)
    if not ended:
        raise ValueError(f"The page has {begin!r} without {end!r}. Restore the end, or remove the section.")
    return before + section + after
