r"""Text of other people's files, made safe to show.

A name may hold anything: on a terminal a control character is a command, and one that turns the direction of writing
hides what stands behind it.
"""

import re

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks of the direction of writing, and half characters, which no encoding knows."""


def printable(text: str) -> str:
    r"""Return the text in one line, with what cannot be shown written as Python writes it: `\x1b`."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def printable_lines(text: str) -> str:
    """Return the text as `printable` does, with its line breaks kept."""
    return "\n".join(map(printable, text.split("\n")))
