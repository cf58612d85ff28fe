from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.messages import naming
from tools.page import with_section, write_section

TITLES = st.sampled_from(["Speed", "Speed at length 50", "Start-up"])
BODIES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<"), min_size=1)


@given(sections=st.lists(st.tuples(TITLES, BODIES)), title=TITLES, body=BODIES)
def test_writing_a_section_twice_is_writing_it_once(sections, title, body):
    write = partial(with_section, title=title, body=body)
    page = "# Performance\n"
    for other in sections:
        page = with_section(page, *other)
    assert write(write(page)) == write(page)


@given(bodies=st.lists(BODIES, min_size=2, max_size=2))
def test_other_sections_and_text_between_them_stay(bodies):
    page = with_section("# Performance\n", "Speed", "old") + "\nBy hand.\n"
    page = with_section(page, "Start-up", bodies[0])
    before, after = page.split(with_section("", "Speed", "old").strip())
    assert with_section(page, "Speed", bodies[1]) == before + with_section("", "Speed", bodies[1]).strip() + after


def test_a_section_that_does_not_end_is_not_touched(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- begin: Speed -->\nsomething")
    with pytest.raises(ValueError, match=naming("<!-- begin: Speed -->", "<!-- end: Speed -->")):
        write_section(page, "Speed", "new")
    assert page.read_text() == "<!-- begin: Speed -->\nsomething"


def test_a_missing_page_is_written(tmp_path):
    write_section(tmp_path / "page.md", "Speed", "fast")
    assert (tmp_path / "page.md").read_text() == with_section("", "Speed", "fast")
