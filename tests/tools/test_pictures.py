from tools.pictures import README, span_command, with_table


def test_the_readme_has_one_command_whose_table_it_shows():
    assert span_command()[:2] == ["memoryspan", "span"]
    assert "<!-- span -->" in README.read_text()


def test_the_table_stands_between_its_comments_and_nothing_else_changes():
    page = "before\n<!-- span -->\nold\n<!-- /span -->\nafter\n"
    once = with_table(page, "| a |")
    assert once == "before\n<!-- span -->\n\n| a |\n\n<!-- /span -->\nafter\n"
    assert with_table(once, "| a |") == once
