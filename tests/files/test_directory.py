from concurrent.futures import ThreadPoolExecutor

import pytest

from memoryspan.errors import RunError
from memoryspan.files.directory import fresh, new_or_empty
from tests.messages import naming


def test_a_fresh_directory_has_the_next_free_number(tmp_path):
    names = [fresh(tmp_path / "runs", "echo-lstm-50").name for _ in range(2)]
    assert names == ["echo-lstm-50-001", "echo-lstm-50-002"]
    (tmp_path / "runs" / "echo-lstm-50-999").mkdir()
    assert fresh(tmp_path / "runs", "echo-lstm-50").name == "echo-lstm-50-1000"
    assert fresh(tmp_path / "runs", "echo-lstm-5").name == "echo-lstm-5-001"


def test_a_name_is_readable_whatever_the_model_is_called(tmp_path):
    assert fresh(tmp_path, "echo-../mine.py:build-50").name == "echo-mine-py-build-50-001"


def test_those_who_want_a_directory_at_once_get_one_each(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: fresh(tmp_path, "echo"), range(64)))
    assert len(set(made)) == 64


def test_a_file_is_not_a_directory(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=naming(tmp_path / "file", "--dir")):
        new_or_empty(tmp_path / "file", "echo", "--dir")
    with pytest.raises(RunError, match=naming(tmp_path / "file" / "run", "Not a directory", "--dir")):
        new_or_empty(tmp_path / "file" / "run", "echo", "--dir")


def test_where_nobody_may_write_another_place_is_asked_for(monkeypatch):
    monkeypatch.chdir("/proc")
    with pytest.raises(RunError, match=naming("runs", "No such file or directory", "--dir")):
        new_or_empty(None, "echo", "--dir")
