import subprocess
import sys

import click
import numpy as np
import pytest
from click.testing import CliRunner

from memoryspan import Echo, lstm
from memoryspan.inference.trace import trace
from memoryspan.models import gru
from memoryspan.runs import Run
from memoryspan.training import HistoryRow
from tests.messages import names, naming
from tools.million import describe, lost_at_each_step, main, stages, table


def rows(*lengths):
    """One chunk of ten updates each, after which the length is this."""
    return [
        HistoryRow(
            updates=10 * n, examples=320 * n, tokens=0, skipped=0, seconds=n / 2, length=length, accuracy=1, loss=0
        )
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
    said = describe(np.full((1000, 3), [1e-9, 1.2e-7, 0.1]))
    assert names(said, "1,000", "67 %", "33 %", "1.2e-07", "1.0e-01")


def test_what_is_lost_is_one_minus_the_traced_gate():
    model = lstm(Echo(length=6, n_features=5), units=4, seed=0)
    lost = lost_at_each_step(model, 5)
    symbols = np.random.default_rng(0).integers(5, size=len(lost) + 3)
    np.testing.assert_allclose(1 - lost, trace(model, symbols).layers[0].arrays["forget"][0, 3:], atol=1e-6)


def test_a_model_without_such_gates_is_refused():
    with pytest.raises(click.UsageError, match=naming("'vanilla_gru'", "LSTM")):
        lost_at_each_step(gru(Echo(length=6, n_features=5), units=4, seed=0), 5)


def test_a_run_that_has_not_ended_is_refused_with_what_to_type(tmp_path):
    task = Echo(length=6, n_features=5)
    begun = Run.create(lstm(task, units=4, seed=0), task, directory=tmp_path / "run")
    refused = CliRunner().invoke(main, [str(begun.directory), "--docs", str(tmp_path)])
    assert refused.exit_code == 2
    assert names(" ".join(refused.output.split()), f"memoryspan train --resume {begun.directory}")


def test_the_page_of_the_documentation_takes_a_million_steps_alone(tmp_path):
    run = tmp_path / "run"
    train = ["memoryspan", "train", "--length", "4", "--run", str(run)]
    subprocess.run([sys.executable, "-m", *train], check=True, capture_output=True)
    refused = CliRunner().invoke(main, [str(run)])
    assert refused.exit_code == 2
    assert names(" ".join(refused.output.split()), 4, "--docs")


@pytest.mark.slow
def test_it_writes_the_page_and_its_picture_from_a_run(tmp_path):
    run, docs = tmp_path / "run", tmp_path / "docs"
    docs.mkdir()
    (docs / "million.md").write_text("# Mine\n\nstays\n")
    for command in (
        ["memoryspan", "train", "--length", "20", "--run", str(run)],
        ["tools.million", str(run), "--docs", str(docs)],
    ):
        subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    text = (docs / "million.md").read_text()
    assert text.startswith("# Mine\n\nstays\n\n<!-- begin: measured -->\n\n## measured\n")
    assert "| 20 | " in text
    assert names(text, "1,000 of 1,000")
    assert {file.name for file in docs.iterdir()} == {"million.md", "million.png"}
