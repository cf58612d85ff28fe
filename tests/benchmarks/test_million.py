import subprocess
import sys

import numpy as np

from benchmarks.million import describe, stages, table
from memoryspan.training import Row


def rows(*lengths):
    """One chunk of ten updates each, after which the length is this."""
    return [
        Row(updates=10 * n, examples=320 * n, tokens=0, skipped=0, seconds=n / 2, length=length, accuracy=1, loss=0)
        for n, length in enumerate(lengths, start=1)
    ]


def test_a_length_is_reached_with_the_first_row_at_it_and_once():
    assert [(row.length, row.updates) for row in stages(rows(3, 3, 6, 12, 6, 12, 24))] == [
        (3, 10),
        (6, 30),
        (12, 40),
        (24, 70),
    ]


def test_the_table_says_when_each_length_was_reached():
    assert table(rows(3, 6)).splitlines()[2:] == ["| 3 | 10 | 320 | 0.5 |", "| 6 | 20 | 640 | 1.0 |"]


def test_gates_are_described_by_what_they_let_go_of():
    forget = np.ones((1000, 3))
    forget[:, 1] = 1 - 1e-7
    forget[:, 2] = 0.9
    said = describe(forget)
    assert said.startswith(
        "Over 1,000 random symbols after the third, 67 % of the values of its forget gates let go of"
    )
    assert "and 33 % are 1 to the last bit" in said
    assert said.endswith("the median lets go of at most 1e-07 a step, in the most forgetful one of 0.1.")


def test_it_writes_the_page_and_its_picture_from_a_run(tmp_path):
    run, docs = tmp_path / "run", tmp_path / "docs"
    docs.mkdir()
    (docs / "million.md").write_text("# Mine\n\nstays\n")
    for command in (
        ["memoryspan", "train", "--length", "20", "--run", str(run)],
        ["benchmarks.million", str(run), "--docs", str(docs)],
    ):
        subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    text = (docs / "million.md").read_text()
    assert text.startswith("# Mine\n\nstays\n\n<!-- begin: measured -->\n\n## measured\n")
    assert "| 20 | " in text
    assert "1,000 of 1,000 fresh examples right." in text
    assert {file.name for file in docs.iterdir()} == {"million.md", "million.png"}
