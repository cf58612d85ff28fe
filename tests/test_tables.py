from xml.etree import ElementTree

from memoryspan.tables import TextTable, html_table, markdown_table


def texts(markup):
    return [[entry.text for entry in row] for row in ElementTree.fromstring(markup).iter("tr")]


def test_a_table_has_its_headings_and_rows():
    assert texts(html_table([("a", 1), ("b", 2)], ("name", "number"))) == [["name", "number"], ["a", "1"], ["b", "2"]]


def test_all_of_its_text_is_text():
    strange = "<b>&\"'"
    markup = html_table([(strange, strange)], (strange, strange), caption=strange)
    assert "<b>" not in markup
    assert texts(markup) == [[strange, strange]] * 2
    assert ElementTree.fromstring(markup).findtext("caption") == strange


def test_what_a_row_is_about_is_a_heading_to_a_screen_reader():
    assert ElementTree.fromstring(html_table([("accuracy", "1 %")])).find("tr/th").get("scope") == "row"  # pyright: ignore[reportOptionalMemberAccess]


def test_in_markdown_words_stand_left_and_numbers_right():
    table = TextTable(["name", "number"], 1, [["a", "1"], ["b", ""]])
    assert markdown_table(table).splitlines() == ["| name | number |", "| --- | ---: |", "| a | 1 |", "| b |  |"]
