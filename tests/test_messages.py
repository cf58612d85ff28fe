import pytest

from tests.messages import names


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("units must be above 0, got -1: use units=25.", ["units", 0, -1, "units=25"], True),
        ("out_index is 9", ["index"], False),
        ("up to 19, or 9.5, or 9,000", [9], False),
        ("it is 9.\nLeave out_index.", ["out_index", 9], True),
        ("see /tmp/a.keras, please", ["/tmp/a.keras"], True),
        ("there is a (2, 3)", ["(2, 3)", "(3, 2)"], False),
    ],
)
def test_all_words_have_to_stand_in_the_text_and_whole(text, words, found):
    assert names(text, *words) is found
