import subprocess
import sys
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoryspan import Status
from memoryspan.accuracy import AccuracyRecord
from memoryspan.environment import Environment
from memoryspan.errors import RunError
from memoryspan.runs import record
from memoryspan.runs.record import Config, Record, Resolved, Results
from memoryspan.spec import Spec
from tests.messages import naming

WHOLE = Record(
    memoryspan="0.1.0",
    created=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
    config=Config(Spec("echo", {"length": 50}), Spec("lstm", {"units": 25}), {"seed": 0}),
    resolved=Resolved(15200, "unroll", "a chain", Spec("Adam", {"learning_rate": 0.01}), "mse"),
    environment=Environment("cpu", {"jax": "0.7.0"}, None),
    status="solved",
    results=Results(300, 9600, 80000, 0, 0.4, 50, AccuracyRecord(1000, 1000, 50, 0.01, 1.0, (0.996, 1.0))),
)

numbers = st.integers(0, 2**53)
results = st.builds(Results, numbers, numbers, numbers, numbers, st.floats(0, 1e9), numbers, accuracy=st.none())


@given(results, st.sampled_from(["solved", "budget", "not finite", "interrupted", "unfinished"]))
def test_what_is_written_is_read(tmp_path_factory, results, status):
    directory = tmp_path_factory.getbasetemp()
    written = msgspec.structs.replace(WHOLE, results=results, status=status)
    record.write(directory, written)
    assert record.read(directory) == written


def test_it_is_json_to_read(tmp_path):
    record.write(tmp_path, WHOLE)
    assert (tmp_path / "run.json").read_text().startswith('{\n  "format": 2,\n  "memoryspan": "0.1.0",\n  "created"')


def test_its_statuses_are_those_of_a_training():
    assert set(get_args(record.Ended)) == {status.value for status in Status}


def test_a_newer_format_asks_for_an_upgrade(tmp_path):
    (tmp_path / "run.json").write_text('{"format": 3, "memoryspan": "9.0", "asked": ["other"]}')
    with pytest.raises(RunError, match=naming("run.json", 3, "memoryspan 9.0", 2)):
        record.read(tmp_path)


def test_an_older_format_names_the_version_that_reads_it(tmp_path):
    (tmp_path / "run.json").write_text('{"format": 1, "memoryspan": "0.0.9", "asked": {}}')
    with pytest.raises(RunError, match=r"format 1, written by memoryspan 0.0.9, .*train again with another --run"):
        record.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 2, "memoryspan": "0.1"}', b"\xff\x00"])
def test_a_damaged_one_is_said_to_be(tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=naming(tmp_path / "run.json", "--run")):
        record.read(tmp_path)


def test_one_that_is_not_there_is_told_from_one_half_made(tmp_path):
    with pytest.raises(RunError, match=naming(f"memoryspan train --run {tmp_path / 'missing'}")):
        record.read(tmp_path / "missing")
    with pytest.raises(RunError, match=naming(tmp_path, "run.json", "--run")):
        record.read(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=naming(tmp_path / "file", "run.json")):
        record.read(tmp_path / "file")


def test_reading_one_imports_neither_jax_nor_keras(tmp_path):
    record.write(tmp_path, WHOLE)
    code = (
        "import sys; from memoryspan.runs import Run; Run.load(sys.argv[1]).record;"
        "assert not {'jax', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
