import msgspec
import pytest

from memoryspan.errors import RunError
from memoryspan.files import versioned
from tests.messages import naming


class Note(msgspec.Struct):
    format: int
    memoryspan: str
    text: str


def test_it_comes_back_as_it_was_written(tmp_path):
    note = Note(2, "1.0", "dear")
    versioned.write(tmp_path / "note.json", note)
    assert versioned.read(tmp_path / "note.json", Note, 2, instead="write another") == note


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"format": 2', ["damaged"]),
        (b'{"format": 2, "memoryspan": "1.0"}', ["text"]),
        (b'{"format": 9, "memoryspan": "9.1"}', ["format 9", "9.1"]),
    ],
)
def test_what_cannot_be_decoded_is_named_with_what_to_do(tmp_path, content, words):
    path = tmp_path / "note.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=naming(path, "write another", *words)):
        versioned.read(path, Note, 2, instead="write another")


def test_what_cannot_be_read_is_named_with_what_to_do(tmp_path):
    with pytest.raises(RunError, match=naming(tmp_path, "Is a directory", "write another")):
        versioned.read(tmp_path, Note, 2, instead="write another")
