"""What a test expects of a message: the names and the values in it, whatever sentence they stand in."""

import re


def naming(*words: object) -> str:
    """Return a pattern for texts in which each of the words stands, as a whole word, in any order."""
    return r"(?s)\A" + "".join(f"(?=.*{_whole(str(word))})" for word in words)


def names(text: str, *words: object) -> bool:
    """Return whether each of the words stands in the text, as a whole word."""
    return all(re.search(_whole(str(word)), text) for word in words)


def _whole(word: str) -> str:
    """Return a pattern for a word that is no part of a longer one, nor of a longer number."""
    before = r"(?<!\w)(?<!\d[.,])" if word[0].isalnum() else ""
    after = r"(?!\w)(?![.,]\d)" if word[-1].isalnum() else ""
    return before + re.escape(word) + after
