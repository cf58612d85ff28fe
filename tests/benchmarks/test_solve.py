import pytest

from benchmarks import solve
from tests.messages import names


def test_json_has_every_seed_and_their_spread(typed):
    code, report = typed(solve, "--length", "3", "--seeds", "2", "--json")
    assert code == 0
    assert [seed["status"] for seed in report["seeds"]] == ["solved", "solved"]
    assert report["solved"] == 2
    assert {row["name"] for row in report["rows"]} == {"examples", "updates", "seconds"}
    assert names(report["summary"], "2 of 2")


def test_without_the_curriculum_a_small_budget_leaves_it_at_chance(typed, tmp_path):
    page = tmp_path / "page.md"
    arguments = ("--plain", "--no-curriculum", "--length", "12", "--seeds", "1", "--budget", "320")
    _, printed = typed(solve, *arguments, "--write", str(page))
    assert names(printed, "0 of 1")
    assert names(page.read_text(), "0 of 1", "320 examples", "curriculum")
    assert "|" not in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "word"), [(["--plain", "--learning-rate", "1"], "--plain"), (["--budget", "x"], "200k")]
)
def test_settings_that_make_no_sense_are_refused(typed, arguments, word):
    code, printed = typed(solve, *arguments)
    assert code == 2
    assert word in printed
