from pathlib import Path

import pytest

from memoryspan.errors import RunError
from memoryspan.files.atomic import as_run_error, atomic_path, clean, write
from tests.messages import naming


def test_a_file_is_replaced_whole(tmp_path):
    write(tmp_path / "a.json", b"old")
    write(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def write_half(path, end):
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"ne")
        raise end


@pytest.mark.parametrize("end", [OSError, KeyboardInterrupt])
def test_what_was_there_outlives_a_writing_that_fails(tmp_path, end):
    write(tmp_path / "a.json", b"old")
    with pytest.raises(end):
        write_half(tmp_path / "a.json", end)
    assert (tmp_path / "a.json").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / ".writing-0123abcd-a.json").write_bytes(b"ha")
    others = ["a.json", ".writing-a.json", ".writing-notes-0123abcd"]
    for other in others:
        (tmp_path / other).write_bytes(b"whole")
    clean(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(others)


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError, match=naming(tmp_path / "a.json")) as raised:
        write(tmp_path / "a.json", b"new")
    assert ".writing-" not in str(raised.value)


def test_a_directory_that_was_removed_meanwhile_is_named_as_such(tmp_path):
    with (
        pytest.raises(RunError, match=naming(tmp_path / "gone")) as raised,
        as_run_error(tmp_path / "gone", "Make room."),
    ):
        write(tmp_path / "gone" / "a.json", b"new")
    assert "Make room." not in str(raised.value)


def test_a_full_disk_is_explained():
    with (
        pytest.raises(RunError, match=naming("/dev/full", "No space left on device", "Make room.")),
        as_run_error(Path("/dev/full"), "Make room."),
        open("/dev/full", "wb", buffering=0) as file,
    ):
        file.write(b"x")
