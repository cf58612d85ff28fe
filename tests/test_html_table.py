from xml.etree import ElementTree

from memoryspan.html_table import html_table


def cells(markup):
    return [[cell.text for cell in row] for row in ElementTree.fromstring(markup).iter("tr")]


def test_a_table_has_its_headings_and_rows():
    assert cells(html_table([("a", 1), ("b", 2)], ("name", "number"))) == [["name", "number"], ["a", "1"], ["b", "2"]]


def test_all_of_its_text_is_text():
    strange = "<b>&\"'"
    markup = html_table([(strange, strange)], (strange, strange), caption=strange)
    assert "<b>" not in markup
    assert cells(markup) == [[strange, strange]] * 2
    assert ElementTree.fromstring(markup).findtext("caption") == strange


def test_what_a_row_is_about_is_a_heading_to_a_screen_reader():
    assert ElementTree.fromstring(html_table([("accuracy", "1 %")])).find("tr/th").get("scope") == "row"  # pyright: ignore[reportOptionalMemberAccess]
