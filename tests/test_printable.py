import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from memoryspan.printable import printable, printable_lines

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Half characters as well, which Python makes of names of files that are not UTF-8."""


@given(ANY_TEXT)
def test_what_is_printable_commands_no_terminal_and_can_be_encoded(text):
    shown = printable(text)
    assert not {"Cc", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, shown))
    assert not {"\u202e", "\u2066"} & set(shown)
    shown.encode()


@given(ANY_TEXT)
def test_lines_stay_lines(text):
    assert printable_lines(text).split("\n") == [printable(line) for line in text.split("\n")]


def test_text_of_all_languages_stays_as_it_is():
    text = "échos, 記憶, זיכרון, $x$ \\x1b 🙂"
    assert printable(text) == text


def test_escapes_are_shown():
    assert printable("\x1b[31mlstm\x07\n") == r"\x1b[31mlstm\x07\n"
