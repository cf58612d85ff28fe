import subprocess
import sys

from benchmarks.reproduced import section
from memoryspan.reproduce.compare import Comparison
from memoryspan.reproduce.suite import SUITE


def test_a_section_has_the_command_the_table_and_the_machine():
    experiment = SUITE["echo/book"]
    row = Comparison(
        experiment=experiment,
        trial=experiment.trials([0])[0],
        seeds=3,
        failures=0,
        solved=3,
        not_finite=0,
        sequences=2848.0,
        spread=None,
        accuracy=1.0,
        seconds=0.1,
        parameters=9,
    )
    text = section("echo", [row], "a machine")
    assert "memoryspan reproduce echo/book --seeds 3\n" in text
    assert "| echo/book | LSTM(25): after 10,000 sequences" in text
    assert "| with | 9 | 2,848 | 3 of 3 | 100.0 % | 0.1 |  |" in text
    assert "- echo/book: echo the third of 5 values out of 10. Brownlee 2017" in text
    assert text.endswith("Measured on a machine")


def test_it_writes_the_page_and_its_picture_from_a_sweep(tmp_path):
    sweep, docs = tmp_path / "sweep", tmp_path / "docs"
    docs.mkdir()
    (docs / "reproduced.md").write_text("# Mine\n\nstays\n")
    for command in (
        ["memoryspan", "reproduce", "echo/book", "--seeds", "1", "--workers", "1", "--run", str(sweep)],
        ["benchmarks.reproduced", str(sweep), "--docs", str(docs)],
    ):
        subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    text = (docs / "reproduced.md").read_text()
    assert text.startswith("# Mine\n\nstays\n\n<!-- begin: echo -->\n\n## echo\n")
    assert text.count("| echo/book |") == 2
    assert {file.name for file in docs.iterdir()} == {"reproduced.md"}  # there is no figure to draw it against
