"""A table as text, to be shown on a terminal, on a page, or in Markdown."""

from collections.abc import Sequence
from typing import NamedTuple


class TextTable(NamedTuple):
    """The first `n_words` columns hold words, the others numbers."""

    titles: Sequence[str]
    n_words: int
    rows: list[list[str]]
